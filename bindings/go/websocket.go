package creche

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"time"

	"libcreche/creche/internal/cx"
)

// WebSocketOptions of Session.WebSocket. 0 is the default.
type WebSocketOptions struct {
	Protocols     []string      // subprotocols to offer; the first one is liked best
	MaxMessage    int64         // bytes of a message that is received, inflated or not; 16 MiB
	Heartbeat     time.Duration // after so long without a byte a ping is sent, after as long again it ends: ErrTimeout; never
	CloseTimeout  time.Duration // for the server to answer a close; 10 s; NoTimeout is no end
	NoCompression bool          // do not offer to compress messages
	Takeover      bool          // compress messages with what was in those before: shorter, but some 300 KiB are held
}

// MessageKind says what a message of a WebSocket is.
type MessageKind uint32

// Kinds of messages.
const (
	TextMessage   MessageKind = cx.WebSocketText // it is UTF-8
	BinaryMessage MessageKind = cx.WebSocketBinary
)

// CloseError is the end of a WebSocket that the server has closed. It is io.EOF.
type CloseError struct {
	Code   int // 1005 if it gave none
	Reason string
}

func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("creche: the server has closed the WebSocket with %d", e.Code)
	}
	return fmt.Sprintf("creche: the server has closed the WebSocket with %d: %s", e.Code, e.Reason)
}

// Is says that it is io.EOF.
func (e *CloseError) Is(target error) bool { return target == io.EOF }

// WebSocket is an open WebSocket. It belongs to the task, group or loop of the context that it was
// opened with, which waits for its end; Close ends it in order, Release at once. It is safe for
// concurrent use, but for Receive, of which there is one at a time.
type WebSocket struct {
	loop     *Loop
	handle   uint64
	protocol string
}

// WebSocket opens a WebSocket: "ws://...", "wss://...", or the same with http and https. The request is
// a GET without a body.
func (s *Session) WebSocket(ctx context.Context, r *Request, options *WebSocketOptions) (*WebSocket, error) {
	o := orZero(options)
	handshake := *r
	if handshake.Method == http.MethodGet {
		handshake.Method = ""
	}
	w := newWaiter(takeValue)
	defer w.free()
	w.fill(&handshake)
	defer func() { w.request.Body = nil }()
	c := cx.WebSocketOptions{Protocols: o.Protocols, MaxMessage: uint64(max(o.MaxMessage, 0)), Heartbeat: o.Heartbeat,
		CloseTimeout: o.CloseTimeout}
	if o.NoCompression {
		c.Flags |= cx.WebSocketNoCompression
	}
	if o.Takeover {
		c.Flags |= cx.WebSocketTakeover
	}
	defer w.watched()()
	start := func(tail cx.Tail) cx.Started { return cx.WebSocket(s.id, tail, &w.request, c) }
	if e := s.loop.call(ctx, w, start); e != nil {
		return nil, e
	}
	socket := &WebSocket{loop: s.loop, handle: w.value, protocol: cx.WebSocketProtocol(w.value)}
	runtime.SetFinalizer(socket, (*WebSocket).Release)
	return socket, nil
}

// Protocol is the subprotocol that was agreed on; "" for none.
func (s *WebSocket) Protocol() string { return s.protocol }

// Send sends a message, behind those before, and returns when the system has taken all of it. If ctx
// ends before it has begun to go out, it is not sent. Text must be UTF-8.
func (s *WebSocket) Send(ctx context.Context, kind MessageKind, data []byte) error {
	w := newWaiter(takeValue)
	defer w.free()
	return s.run(ctx, w, func(tail cx.Tail) cx.Started { return cx.WebSocketSend(s.handle, tail, uint32(kind), data) })
}

// Receive waits for the next message. It ends with a *CloseError, which is io.EOF, once the server has
// closed, or with why the WebSocket has ended. Not receiving holds the server back. The end of ctx ends
// only the wait: no message is lost.
func (s *WebSocket) Receive(ctx context.Context) (MessageKind, []byte, error) {
	w := newWaiter(takeCopy)
	defer w.free()
	if err := s.run(ctx, w, func(tail cx.Tail) cx.Started { return cx.WebSocketReceive(s.handle, tail) }); err != nil {
		return 0, nil, err
	}
	if w.kind == cx.End {
		return 0, nil, &CloseError{int(w.code), string(w.into)}
	}
	return MessageKind(w.code), w.into, nil
}

// Close closes in order: what was sent before goes out, then a close with this code (0: none; 1000, or
// 3000 to 4999) and reason, of up to 123 bytes. It returns when the server has closed, too, with its
// code: 1005 if it gave none, 1006 if it never closed. What had come before can still be received.
// Doing it again gives the same.
func (s *WebSocket) Close(ctx context.Context, code int, reason string) (int, error) {
	w := newWaiter(takeValue)
	defer w.free()
	err := s.run(ctx, w, func(tail cx.Tail) cx.Started {
		return cx.WebSocketClose(s.handle, tail, uint32(code), reason)
	})
	if err != nil {
		return 0, err
	}
	return int(w.code), nil
}

// Release gives it up: the server hears of that if it is possible at once. Doing it again is harmless.
func (s *WebSocket) Release() {
	runtime.SetFinalizer(s, nil)
	cx.WebSocketRelease(s.handle)
}

// run is an operation on it, which keeps it from being collected.
func (s *WebSocket) run(ctx context.Context, w *waiter, start func(tail cx.Tail) cx.Started) error {
	defer runtime.KeepAlive(s)
	if e := s.loop.call(ctx, w, start); e != nil {
		return e
	}
	return nil
}
