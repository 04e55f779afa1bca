package cx

/*
#include "shim.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// Flags of WebSockets, and the types of their messages.
const (
	WebSocketNoCompression = C.CRECHE_WEBSOCKET_NO_COMPRESSION
	WebSocketTakeover      = C.CRECHE_WEBSOCKET_TAKEOVER
	WebSocketText          = C.CRECHE_WEBSOCKET_TEXT
	WebSocketBinary        = C.CRECHE_WEBSOCKET_BINARY
)

// WebSocketOptions are those of creche_websocket_options; 0 is the default.
type WebSocketOptions struct {
	Flags        uint32
	Protocols    []string
	MaxMessage   uint64
	Heartbeat    time.Duration
	CloseTimeout time.Duration
}

// WebSocket starts the handshake of a WebSocket.
func WebSocket(session uint64, tail Tail, r *Request, wo WebSocketOptions) Started {
	if r.refused != nil {
		return Started{Failure: r.refused}
	}
	protocols, refused := packTexts("a subprotocol's name", wo.Protocols...)
	if refused != nil {
		return Started{Failure: refused}
	}
	w := defaults.websocket
	w.flags = C.uint32_t(wo.Flags)
	w.protocols_count = C.size_t(len(wo.Protocols))
	set(&w.max_message, wo.MaxMessage)
	set(&w.heartbeat, nanoseconds(wo.Heartbeat))
	set(&w.close_timeout, nanoseconds(wo.CloseTimeout))
	body, statuses := r.body()
	return answer(C.cx_websocket(C.uint64_t(session), tail.c(), r.options(), body, statuses, r.where(), w,
		(*C.char)(unsafe.Pointer(&r.text[0])), (*C.char)(unsafe.Pointer(unsafe.SliceData(r.way))),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(protocols))), unsafe.Pointer(unsafe.SliceData(r.Body))))
}

// WebSocketSend sends a message.
func WebSocketSend(websocket uint64, tail Tail, kind uint32, data []byte) Started {
	return answer(C.cx_websocket_send(C.uint64_t(websocket), tail.c(), C.uint32_t(kind),
		unsafe.Pointer(unsafe.SliceData(data)), C.size_t(len(data))))
}

// WebSocketReceive receives a message.
func WebSocketReceive(websocket uint64, tail Tail) Started {
	return answer(C.cx_websocket_receive(C.uint64_t(websocket), tail.c()))
}

// WebSocketClose closes in order.
func WebSocketClose(websocket uint64, tail Tail, code uint32, reason string) Started {
	if refused := whole("the reason of a close", reason); refused != nil {
		return Started{Failure: refused}
	}
	return answer(C.cx_websocket_close(C.uint64_t(websocket), tail.c(), C.uint32_t(code), maybe(reason)))
}

// WebSocketProtocol is the subprotocol that was agreed on; "" for none.
func WebSocketProtocol(websocket uint64) string {
	return C.GoString(C.creche_websocket_protocol(C.creche_websocket{id: C.uint64_t(websocket)}))
}

// WebSocketRelease gives a WebSocket up.
func WebSocketRelease(websocket uint64) {
	C.creche_websocket_release(C.creche_websocket{id: C.uint64_t(websocket)})
}
