package creche

import (
	"context"
	"sync"

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
	l := &listening{ended: make(chan struct{}), waits: w}
	l.more.L = &l.mu
	go func() {
		defer close(l.ended)
		for {
			s, ok := l.next()
			switch {
			case !ok:
				return
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
		l.close() // it was never started
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

// maxSaid: more notifications than these are thrown away.
const maxSaid = 1024

type listening struct {
	mu      sync.Mutex
	more    sync.Cond // said, or over
	said    []said    // not handled yet
	over    bool
	dropped uint64 // here, since the last one in said
	ended   chan struct{}
	err     error
	waits   *waiter // for the end; nil once it has come
}

// next waits for what is said next; false: there is nothing more.
func (l *listening) next() (said, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.said) == 0 {
		if l.over {
			return said{}, false
		}
		l.more.Wait()
	}
	s := l.said[0]
	l.said = l.said[1:]
	return s, true
}

func (l *listening) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.more.Signal()
}

func (l *listening) deliver(ev *cx.Event) {
	if ev.Flags&cx.More == 0 {
		w := l.waits
		l.waits = nil
		l.close()
		w.deliver(ev)
		return
	}
	if ev.Kind != cx.Notify || ev.Data == nil {
		return
	}
	what, process, dropped, channel, payload := ev.Notification()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropped += dropped
	full := len(l.said) >= maxSaid
	switch {
	case full && what == cx.ListenNotification:
		l.dropped++
		return
	case full && l.said[len(l.said)-1].Gap:
		return // one tells of all
	}
	n := Notification{Channel: channel, Payload: payload, Process: int(process), Dropped: l.dropped, Gap: what == cx.ListenGap}
	l.said = append(l.said, said{n, what == cx.ListenStarted})
	l.dropped = 0
	l.more.Signal()
}
