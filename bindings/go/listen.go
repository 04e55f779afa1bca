package creche

import (
	"context"

	"libcreche/creche/internal/cx"
)

// Notification is what a NOTIFY says, or a Gap.
type Notification struct {
	Channel string
	Payload string
	Process int    // of the server's that said it
	Dropped uint64 // thrown away before this one, because too many were not handled
	// Gap: the connection was lost, and another one listens: what was said in between is lost.
	Gap bool
}

// Listen calls fn with what is said on the channels, one at a time, until ctx ends or fn returns an error,
// which it returns. ready is called when nothing is missed any more; it may be nil. It has a connection of
// its own, and makes another one when that is lost.
func (p *Pool) Listen(ctx context.Context, channels []string, ready func(), fn func(Notification) error) error {
	in := p.loop.where(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := newWaiter(takeValue)
	defer w.free()
	l := &listening{said: make(chan said, 1024), ended: make(chan struct{}), waits: w}
	go func() {
		defer close(l.ended)
		for s := range l.said {
			switch {
			case l.err != nil:
			case s.started:
				if ready != nil {
					ready()
				}
			default:
				if l.err = fn(s.Notification); l.err != nil {
					cancel()
				}
			}
		}
	}()
	e := p.loop.callVia(ctx, in, w, l, func(tail cx.Tail) cx.Started { return cx.ListenStart(p.id, tail, channels) })
	if l.waits != nil {
		close(l.said) // it was never started
	}
	<-l.ended
	if l.err != nil {
		return l.err
	}
	if e != nil {
		return e
	}
	return nil
}

type said struct {
	Notification
	started bool
}

type listening struct {
	said    chan said
	ended   chan struct{}
	err     error
	dropped uint64  // here
	waits   *waiter // for the end; nil once it has come
}

func (l *listening) deliver(ev *cx.Event) {
	if ev.Flags&cx.More == 0 {
		w := l.waits
		l.waits = nil
		close(l.said)
		w.deliver(ev)
		return
	}
	if ev.Kind != cx.Notify || ev.Data == nil {
		return
	}
	what, process, dropped, channel, payload := ev.Notification()
	n := Notification{Channel: channel, Payload: payload, Process: int(process), Dropped: dropped + l.dropped, Gap: what == cx.ListenGap}
	select {
	case l.said <- said{n, what == cx.ListenStarted}:
		l.dropped = 0
	default:
		l.dropped += dropped + 1
	}
}
