package cx

/*
#include "shim.h"
*/
import "C"

import (
	"sync"
	"sync/atomic"
	"time"
)

// SocketOptions are creche_socket_options.
type SocketOptions struct {
	Given                                     bool
	KeepAliveIdle, KeepAliveInterval          time.Duration
	UserTimeout                               time.Duration
	KeepAliveCount, SendBuffer, ReceiveBuffer uint32
	Interface                                 string
	Opened                                    uint64 // of Opened; 0: none
}

func (o *SocketOptions) c() (c C.creche_socket_options) {
	if !o.Given {
		return c
	}
	c.size = C.sizeof_creche_socket_options
	c.keepalive_idle, c.keepalive_interval = C.int64_t(o.KeepAliveIdle), C.int64_t(o.KeepAliveInterval)
	c.keepalive_count, c.user_timeout = C.uint32_t(o.KeepAliveCount), C.int64_t(o.UserTimeout)
	c.send_buffer, c.receive_buffer = C.uint32_t(o.SendBuffer), C.uint32_t(o.ReceiveBuffer)
	return c
}

var (
	lookers sync.Map // of functions that see sockets, by their numbers
	looking atomic.Uint64
)

// Opened gives a function its number, for SocketOptions.Opened.
func Opened(look func(fd int, address string) int32) uint64 {
	number := looking.Add(1)
	lookers.Store(number, look)
	return number
}

// NotOpened ends that; what comes late finds nobody.
func NotOpened(number uint64) { lookers.Delete(number) }

//export cxOpened
func cxOpened(number C.uint64_t, fd C.int32_t, address *C.char) C.int32_t {
	found, _ := lookers.Load(uint64(number))
	look, _ := found.(func(int, string) int32)
	if look == nil {
		return C.CRECHE_E_CLOSED
	}
	return C.int32_t(look(int(fd), C.GoString(address)))
}
