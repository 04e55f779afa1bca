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

// PoolCalls are the functions that a pool calls.
type PoolCalls struct {
	Password func(refused bool, host, port, user, database string) (password string, status int32)
	Notice   func(severity, sqlstate, message, detail, hint, context string)
	Bodies   [3]func(*PoolBody) // init, setup and reset
	number   uint64
}

// PoolBody is what a function that runs on a connection of the pool's is told.
type PoolBody struct {
	Kind             uint32 // Begin, Cancel
	Task, Connection uint64
	Failure          *Failure
}

var (
	poolCalls  sync.Map // of *PoolCalls, by their numbers
	callsGiven atomic.Uint64
)

// which of them there are, as C has it.
func (c *PoolCalls) which() (which int) {
	if c.Password != nil {
		which |= C.CX_POOL_PASSWORD
	}
	if c.Notice != nil {
		which |= C.CX_POOL_NOTICE
	}
	for i, body := range c.Bodies {
		if body != nil {
			which |= C.CX_POOL_INIT << i
		}
	}
	return which
}

// Register gives them their number, if there are any.
func (c *PoolCalls) Register() {
	if c.which() != 0 {
		c.number = callsGiven.Add(1)
		poolCalls.Store(c.number, c)
	}
}

// Forget ends that; what comes late finds nobody.
func (c *PoolCalls) Forget() { poolCalls.Delete(c.number) }

//export cxGivePassword
func cxGivePassword(number C.uint64_t, r *C.creche_password_request, into *C.char, capacity C.size_t) C.int32_t {
	found, _ := poolCalls.Load(uint64(number))
	calls, _ := found.(*PoolCalls)
	if calls == nil {
		return C.CRECHE_E_CLOSED
	}
	password, status := calls.Password(r.refused != 0, textOf(r.host), textOf(r.port), textOf(r.user), textOf(r.database))
	if status != 0 {
		return C.int32_t(status)
	}
	room := unsafe.Slice((*byte)(unsafe.Pointer(into)), int(capacity))
	if len(password) >= len(room) {
		return C.CRECHE_E_LIMIT
	}
	room[copy(room, password)] = 0
	return C.CRECHE_OK
}

//export cxHearNotice
func cxHearNotice(number C.uint64_t, n *C.creche_error) {
	found, _ := poolCalls.Load(uint64(number))
	if calls, _ := found.(*PoolCalls); calls != nil {
		calls.Notice(textOf(n.server_severity), textOf(&n.sqlstate[0]), textOf(n.server_message),
			textOf(n.server_detail), textOf(n.server_hint), textOf(n.server_context))
	}
}

//export cxPoolBody
func cxPoolBody(number C.uint64_t, which C.int32_t, c *C.creche_completion) {
	found, _ := poolCalls.Load(uint64(number))
	calls, _ := found.(*PoolCalls)
	if calls == nil {
		C.creche_task_finish(c.task, C.CRECHE_E_CLOSED, 0, nil)
		return
	}
	calls.Bodies[which](&PoolBody{uint32(c.kind), uint64(c.task.scope.id), uint64(c.value), failureOf(c.error)})
}
