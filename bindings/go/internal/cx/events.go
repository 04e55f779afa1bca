package cx

/*
#include "shim.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// Flags of streams of events.
const (
	EventsOnce  = C.CRECHE_EVENTS_ONCE
	EventsAgain = C.CRECHE_EVENTS_AGAIN
	EventsKeep  = C.CRECHE_EVENTS_KEEP
)

// EventsOptions are those of creche_events_options; 0 is the default, in Attempts nil.
type EventsOptions struct {
	Flags       uint32
	Attempts    *uint32
	LastEventID string
	Retry       *time.Duration
	MaxRetry    *time.Duration
	MaxData     uint64
	MaxHeld     uint64
}

// Events starts a stream of server-sent events.
func Events(session uint64, tail Tail, r *Request, eo EventsOptions) Started {
	if r.refused != nil {
		return Started{Failure: r.refused}
	}
	if refused := whole("the last event's id", eo.LastEventID); refused != nil {
		return Started{Failure: refused}
	}
	e := defaults.events
	e.flags = C.uint32_t(eo.Flags)
	setTo(&e.attempts, eo.Attempts)
	if eo.Retry != nil {
		e.retry = nanoseconds(*eo.Retry)
	}
	if eo.MaxRetry != nil {
		e.max_retry = nanoseconds(*eo.MaxRetry)
	}
	set(&e.max_data, eo.MaxData)
	set(&e.max_held, eo.MaxHeld)
	body, statuses := r.body()
	return answer(C.cx_events(C.uint64_t(session), tail.c(), r.options(), body, statuses, r.where(), e, (*C.char)(unsafe.Pointer(&r.text[0])),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(r.way))), maybe(eo.LastEventID), unsafe.Pointer(unsafe.SliceData(r.Body))))
}

// ServerEvent copies the event of a completion.
func ServerEvent(data unsafe.Pointer) (kind, text, id string, connection int) {
	e := (*C.creche_server_event)(data)
	return C.GoStringN(e._type, C.int(e.type_size)), C.GoStringN(e.data, C.int(e.data_size)),
		C.GoStringN(e.id, C.int(e.id_size)), int(e.connection)
}
