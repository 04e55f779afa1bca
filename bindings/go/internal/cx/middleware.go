package cx

/*
#include "shim.h"
*/
import "C"

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Turn is creche_turn.
type Turn struct {
	What, Attempt, HTTPStatus uint32
	Session, ID, Task         uint64
	Method, URL, Message      string
	Headers                   [][2]string
}

// Decision is creche_decision; header fields without a value are taken out of a request.
type Decision struct {
	Action, HTTPStatus uint32
	Headers            [][2]string
	Delay              time.Duration
	Status             int32
	Body               []byte
}

// What of Turn, and Action of Decision.
const (
	TurnRequest  = C.CRECHE_TURN_REQUEST
	TurnResponse = C.CRECHE_TURN_RESPONSE
	TurnFailure  = C.CRECHE_TURN_FAILURE
	TurnGo       = C.CRECHE_TURN_GO
	TurnAgain    = C.CRECHE_TURN_AGAIN
	TurnAnswer   = C.CRECHE_TURN_ANSWER
	TurnFail     = C.CRECHE_TURN_FAIL
)

var (
	betweens sync.Map // of functions that are asked, by their numbers
	between  atomic.Uint64
)

// Middleware gives a function its number, for SessionOptions.Middleware.
func Middleware(ask func(*Turn)) uint64 {
	number := between.Add(1)
	betweens.Store(number, ask)
	return number
}

// NoMiddleware ends that; what comes late finds nobody.
func NoMiddleware(number uint64) { betweens.Delete(number) }

// Decide answers a turn.
func Decide(session, turn uint64, d Decision) *Failure {
	var headers []byte
	for _, h := range d.Headers {
		if refused := whole("a header's name", h[0]); refused != nil {
			return refused
		}
		headers = packHeader(headers, h[0], h[1])
	}
	c := C.creche_decision{action: C.uint32_t(d.Action), headers_count: C.size_t(len(d.Headers)),
		delay: nanoseconds(d.Delay), http_status: C.uint32_t(d.HTTPStatus), status: C.creche_status(d.Status),
		body_size: C.size_t(len(d.Body))}
	return answer(C.cx_decide(C.uint64_t(session), C.uint64_t(turn), c,
		(*C.char)(unsafe.Pointer(unsafe.SliceData(headers))), unsafe.Pointer(unsafe.SliceData(d.Body)))).Failure
}

//export cxTurned
func cxTurned(number C.uint64_t, t *C.creche_turn) {
	turn := &Turn{What: uint32(t.what), Attempt: uint32(t.attempt), HTTPStatus: uint32(t.http_status),
		Session: uint64(t.session.id), ID: uint64(t.id), Task: uint64(t.task.scope.id),
		Method: textOf(t.method), URL: textOf(t.url)}
	if t.error != nil {
		turn.Message = textOf(t.error.message)
	}
	for _, h := range unsafe.Slice(t.headers, int(t.headers_count)) {
		turn.Headers = append(turn.Headers, [2]string{textOf(h.name), C.GoStringN(h.value, C.int(h.value_size))})
	}
	if ask, found := betweens.Load(uint64(number)); found {
		go ask.(func(*Turn))(turn)
		return
	}
	Decide(turn.Session, turn.ID, Decision{})
}
