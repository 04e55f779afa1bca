package cx

/*
#include "shim.h"
*/
import "C"

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// WatchEvent is creche_request_event.
type WatchEvent struct {
	Event, HTTPStatus          uint32
	Task, Connection, Bytes    uint64
	Time, Duration             int64
	Status                     int32
	Method, URL, Peer, Message string
	Headers                    [][2]string
}

var (
	watchers sync.Map // of *watcher, by their numbers
	watching atomic.Uint64
)

// watcher is someone to tell. A request is told of until it has ended, also when its call is over before that:
// a stream's is with the head of the answer.
type watcher struct {
	tell          func(*WatchEvent)
	mu            sync.Mutex
	running, over bool
}

// Watch gives a function its number, for SessionOptions.Watch and Request.Watch.
func Watch(tell func(*WatchEvent)) uint64 {
	number := watching.Add(1)
	watchers.Store(number, &watcher{tell: tell})
	return number
}

// Unwatch ends that; what comes late finds nobody.
func Unwatch(number uint64) { watchers.Delete(number) }

// WatchOver ends it once the request has ended, or if it never began.
func WatchOver(number uint64) {
	if w, found := watchers.Load(number); found {
		w := w.(*watcher)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.over = true; !w.running {
			Unwatch(number)
		}
	}
}

// note keeps whether the request runs.
func (w *watcher) note(number uint64, running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running = running; w.over && !running {
		Unwatch(number)
	}
}

func textOf(at *C.char) string {
	if at == nil {
		return ""
	}
	return C.GoString(at)
}

//export cxWatched
func cxWatched(number C.uint64_t, e *C.creche_request_event) {
	found, _ := watchers.Load(uint64(number))
	w, _ := found.(*watcher)
	if w == nil {
		return
	}
	if e.event == C.CRECHE_WATCH_REQUEST_START {
		w.note(uint64(number), true)
	}
	event := &WatchEvent{Event: uint32(e.event), HTTPStatus: uint32(e.http_status), Task: uint64(e.task.scope.id),
		Connection: uint64(e.connection), Bytes: uint64(e.bytes), Time: int64(e.time), Duration: int64(e.duration),
		Status: int32(e.status), Method: textOf(e.method), URL: textOf(e.url), Peer: textOf(e.peer)}
	if e.error != nil {
		event.Message = textOf(e.error.message)
	}
	for _, h := range unsafe.Slice(e.headers, int(e.headers_count)) {
		event.Headers = append(event.Headers, [2]string{textOf(h.name), C.GoStringN(h.value, C.int(h.value_size))})
	}
	w.tell(event)
	if e.event == C.CRECHE_WATCH_REQUEST_END {
		w.note(uint64(number), false)
	}
}
