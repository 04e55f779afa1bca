package cx

/*
#include "shim.h"
*/
import "C"

import (
	"sync"
	"sync/atomic"
)

// HookEvent is creche_trace_event.
type HookEvent struct {
	Event, Kind, Reason uint32
	Status              int32
	ID, Parent, By      uint64
	Time, Duration      int64
	Name, Site, Text    string
}

// Kinds of hooks.
const (
	HookSpawned   = C.CRECHE_EVENT_SPAWNED
	HookStarted   = C.CRECHE_EVENT_STARTED
	HookEnded     = C.CRECHE_EVENT_ENDED
	HookCancelled = C.CRECHE_EVENT_CANCELLED
	HookStalled   = C.CRECHE_EVENT_STALLED
	HookLeaked    = C.CRECHE_EVENT_LEAKED
)

// Kinds of nodes.
const (
	KindLoop       = C.CRECHE_KIND_LOOP
	KindScope      = C.CRECHE_KIND_SCOPE
	KindGroup      = C.CRECHE_KIND_GROUP
	KindOperation  = C.CRECHE_KIND_OPERATION
	KindSleep      = C.CRECHE_KIND_SLEEP
	KindExternal   = C.CRECHE_KIND_EXTERNAL
	KindStart      = C.CRECHE_KIND_START
	KindWait       = C.CRECHE_KIND_WAIT
	KindSession    = C.CRECHE_KIND_SESSION
	KindResponse   = C.CRECHE_KIND_RESPONSE
	KindPool       = C.CRECHE_KIND_POOL
	KindConnection = C.CRECHE_KIND_CONNECTION
	KindRows       = C.CRECHE_KIND_ROWS
)

var (
	hooks  sync.Map // of functions, by their numbers
	hooked atomic.Uint64
)

// Hook gives a function its number, for LoopOpen.
func Hook(tell func(*HookEvent)) uint64 { return hookUp(tell) }

func hookUp(tell any) uint64 {
	number := hooked.Add(1)
	hooks.Store(number, tell)
	return number
}

// Unhook ends that: its loop is over. 0 is harmless.
func Unhook(number uint64) { hooks.Delete(number) }

//export cxHooked
func cxHooked(number C.uint64_t, e *C.creche_trace_event) {
	tell, found := hooks.Load(uint64(number))
	if !found {
		return
	}
	tell.(func(*HookEvent))(&HookEvent{Event: uint32(e.event), Kind: uint32(e.kind), Reason: uint32(e.reason),
		Status: int32(e.status), ID: uint64(e.id), Parent: uint64(e.parent.id), By: uint64(e.by.id),
		Time: int64(e.time), Duration: int64(e.duration), Name: textOf(e.name), Site: textOf(e.site),
		Text: textOf(e.text)})
}
