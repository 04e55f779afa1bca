package creche

import (
	"errors"
	"time"

	"libcreche/creche/internal/cx"
)

// SocketOptions are set on the sockets of a session before they connect. 0 is as the system has it; without delay
// (TCP_NODELAY) they always are.
type SocketOptions struct {
	// Keep-alive of TCP: silence before the first probe, time between two, and how many without an answer end
	// the connection. With 0 in all three there is none.
	KeepAliveIdle, KeepAliveInterval time.Duration
	KeepAliveCount                   int
	UserTimeout                      time.Duration // for how long what was sent may stay unacknowledged (TCP_USER_TIMEOUT)
	SendBuffer, ReceiveBuffer        int
	Interface                        string // the network interface that packets go through (SO_BINDTODEVICE)
	// Sees each new socket before it connects, on the loop's thread: it must return soon, and not wait for the
	// library. An error refuses the address: others of the name are tried, and the request fails with its Status
	// (ErrUser if it has none) if none answers.
	Opened func(fd int, address string) error
}

func (o *SocketOptions) c() (c cx.SocketOptions) {
	if o == nil {
		return c
	}
	number := func(n int) uint32 { return uint32(max(n, 0)) }
	c = cx.SocketOptions{Given: true, KeepAliveIdle: max(o.KeepAliveIdle, 0), KeepAliveInterval: max(o.KeepAliveInterval, 0),
		UserTimeout: max(o.UserTimeout, 0), KeepAliveCount: number(o.KeepAliveCount), SendBuffer: number(o.SendBuffer),
		ReceiveBuffer: number(o.ReceiveBuffer), Interface: o.Interface}
	if look := o.Opened; look != nil {
		c.Opened = cx.Opened(func(fd int, address string) int32 { return int32(statusOf(look(fd, address))) })
	}
	return c
}

// statusOf what a function of the user's says to C.
func statusOf(err error) Status {
	own, status := (*Error)(nil), ErrUser
	switch {
	case err == nil:
		return 0
	case errors.As(err, &own):
		return own.Status
	}
	errors.As(err, &status)
	return status
}
