package cx

/*
#include "shim.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// Policies of groups, what a deadline means, and flags of tasks.
const (
	FailFast = C.CRECHE_FAIL_FAST
	Collect  = C.CRECHE_COLLECT
	Race     = C.CRECHE_RACE
	Fail     = C.CRECHE_FAIL
	MoveOn   = C.CRECHE_MOVE_ON
	Body     = C.CRECHE_TASK_BODY
)

// Bounds of a group or task. Timeout 0 is none.
type Bounds struct {
	Flags     uint32
	OnTimeout uint32
	Shield    bool
	Policy    uint32
	Limit     uint32
	MaxErrors uint32
	Timeout   time.Duration
	Grace     time.Duration
}

func (b Bounds) group() C.creche_group_options {
	o := defaults.group
	o.policy = C.uint32_t(b.Policy)
	o.on_timeout = C.uint32_t(b.OnTimeout)
	o.shield = flag(b.Shield)
	o.limit = C.uint32_t(b.Limit)
	set(&o.max_errors, b.MaxErrors)
	set(&o.timeout, b.Timeout)
	set(&o.grace, b.Grace)
	return o
}

func (b Bounds) task() C.creche_task_options {
	o := defaults.task
	o.flags = C.uint32_t(b.Flags)
	o.on_timeout = C.uint32_t(b.OnTimeout)
	o.shield = flag(b.Shield)
	set(&o.timeout, b.Timeout)
	return o
}

// GroupOpen opens a group.
func GroupOpen(tail Tail, bounds Bounds, name string) Started {
	return answer(C.cx_group_open(tail.c(), bounds.group(), maybe(name)))
}

// GroupClose says "end when empty".
func GroupClose(group uint64) {
	C.creche_group_close(C.creche_group{scope: C.creche_scope{id: C.uint64_t(group)}})
}

// TaskOpen opens an external task.
func TaskOpen(tail Tail, bounds Bounds, name string) Started {
	return answer(C.cx_task_open(tail.c(), bounds.task(), maybe(name)))
}

// TaskFinish ends an external task. A message makes an error of its own, that carries cookie.
func TaskFinish(task uint64, status int32, message string, cookie uintptr) Started {
	return answer(C.cx_task_finish(C.uint64_t(task), C.int32_t(status), maybe(message), C.uint64_t(cookie)))
}

// TaskAnswer answers a pull with bytes, or with a failure.
func TaskAnswer(task uint64, status int32, data []byte, more bool, message string) Started {
	flags := C.uint32_t(0)
	if more {
		flags = C.CRECHE_MORE
	}
	return answer(C.cx_task_answer(C.uint64_t(task), C.int32_t(status), unsafe.Pointer(unsafe.SliceData(data)),
		C.size_t(len(data)), flags, maybe(message)))
}

// ScopeCancel cancels a scope.
func ScopeCancel(scope uint64, reason string) Started {
	return answer(C.cx_scope_cancel(C.uint64_t(scope), maybe(reason)))
}

// State is a look at a scope. Deadlines are points of the loop's clock.
type State struct {
	Called, Effective, Shield, Reached, Caught bool
	Reason, Live                               uint32
	Deadline, EffectiveDeadline                int64
}

// ScopeState looks at a scope.
func ScopeState(scope uint64) (State, int32) {
	var s C.creche_scope_state
	status := C.creche_scope_get_state(C.creche_scope{id: C.uint64_t(scope)}, &s, C.sizeof_creche_scope_state)
	return State{s.called != 0, s.effective != 0, s.shield != 0, s.reached != 0, s.caught != 0,
		uint32(s.reason), uint32(s.live), int64(s.deadline), int64(s.effective_deadline)}, int32(status)
}

// ScopeSetTimeout moves the deadline of a scope; Never takes it away.
func ScopeSetTimeout(scope uint64, d time.Duration) Started {
	return answer(C.cx_scope_set_timeout(C.uint64_t(scope), nanoseconds(d)))
}

// ScopeSetShield raises or drops a shield.
func ScopeSetShield(scope uint64, up bool) Started {
	return answer(C.cx_scope_set_shield(C.uint64_t(scope), flag(up)))
}

// TaskStart starts an external task for a group. tail is of the start, which ends when the child says
// that it has started; the child's events are for child.
func TaskStart(tail Tail, group uint64, bounds Bounds, name string, child uintptr) Started {
	return answer(C.cx_task_start(tail.c(), C.uint64_t(group), bounds.task(), maybe(name), C.uint64_t(child)))
}

// TaskStarted moves a task of TaskStart to its group.
func TaskStarted(task uint64) Started { return answer(C.cx_task_started(C.uint64_t(task))) }

// Yield completes in the next turn of the loop.
func Yield(tail Tail) Started { return answer(C.cx_yield(tail.c())) }

// ScopeOpen opens a bare scope. Options of a wrong size are for the tests.
func ScopeOpen(in uint64, optionsSize uint32, tail byte) (uint64, int32) {
	type long struct {
		options C.creche_scope_options
		extra   [8]byte
	}
	var o long
	C.creche_scope_options_init(&o.options, C.sizeof_creche_scope_options)
	if optionsSize != 0 {
		o.options.size = C.uint32_t(optionsSize)
	}
	o.extra[0] = tail
	var scope C.creche_scope
	status := C.creche_scope_open(C.creche_scope{id: C.uint64_t(in)}, &o.options, &scope)
	return uint64(scope.id), int32(status)
}

// ScopeOptionsSize is the size of creche_scope_options in the header.
const ScopeOptionsSize = C.sizeof_creche_scope_options

// ScopeLeave leaves a bare scope.
func ScopeLeave(scope uint64) int32 {
	return int32(C.creche_scope_leave(C.creche_scope{id: C.uint64_t(scope)}, nil))
}

// Sleep completes after a duration.
func Sleep(tail Tail, d time.Duration) Started {
	return answer(C.cx_sleep(tail.c(), nanoseconds(d)))
}
