package creche

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"libcreche/creche/internal/cx"
)

// ChanOptions of NewChan. 0 is the default.
type ChanOptions struct {
	Loop *Loop  // nil: the default one
	Name string // for dumps
}

// NewChan opens a channel in which up to capacity items wait for a receiver; with 0 each send meets a
// receive. Who comes first is served first, on both sides.
//
// Unlike a channel of Go's own it has waits that end with their context, and that a virtual clock knows
// of; and it ends with the last handle of a side: receivers get what is in it, then io.EOF; sends fail
// with ErrClosed.
func NewChan[T any](capacity int, options *ChanOptions) (*Sender[T], *Receiver[T], error) {
	o := ChanOptions{}
	if options != nil {
		o = *options
	}
	l, err := o.Loop.orDefault()
	if err != nil {
		return nil, nil, err
	}
	opened, other := cx.ChannelOpen(l.id, count(capacity), o.Name)
	if opened.Failure != nil {
		return nil, nil, newError(opened.Failure, nil)
	}
	all := &items[T]{values: make(map[uint64]T), takers: 1}
	return &Sender[T]{loop: l, id: opened.ID, items: all}, &Receiver[T]{loop: l, id: other, items: all}, nil
}

// items are those of a channel, by the numbers that C has.
type items[T any] struct {
	mu     sync.Mutex
	values map[uint64]T
	last   uint64
	takers int // receivers that are not closed, and calls of theirs
}

func (i *items[T]) put(value T) uint64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last++
	i.values[i.last] = value
	return i.last
}

func (i *items[T]) take(number uint64) T {
	i.mu.Lock()
	defer i.mu.Unlock()
	value := i.values[number]
	delete(i.values, number)
	return value
}

// enter counts somebody who may take items. After the last of them nobody will: what is left goes.
func (i *items[T]) enter() {
	i.mu.Lock()
	i.takers++
	i.mu.Unlock()
}

func (i *items[T]) leave() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.takers--; i.takers == 0 {
		clear(i.values)
	}
}

// ChanState is a look at a channel.
type ChanState struct {
	Items, Capacity    int // more than fit after some were put back
	Senders, Receivers int // that are not closed
	Sending, Receiving int // calls that wait
}

func chanState(id uint64, sends bool) (ChanState, error) {
	v, looked := cx.ChannelState(id, sends)
	return ChanState{int(v[0]), int(v[1]), int(v[2]), int(v[3]), int(v[4]), int(v[5])}, errorIf(looked)
}

// Sender is a handle of the sending side of a channel. It is safe for concurrent use.
type Sender[T any] struct {
	loop  *Loop
	id    uint64
	items *items[T]
}

// Send returns when a receiver has the item or it is in the channel. If it fails, which includes the end
// of ctx before that, the item was not sent.
func (s *Sender[T]) Send(ctx context.Context, item T) error {
	number := s.items.put(item)
	err := s.loop.await(ctx, func(tail cx.Tail) cx.Started { return cx.ChannelSend(s.id, tail, number) })
	if err != nil {
		s.items.take(number)
	}
	return err
}

// TrySend sends an item now, or not. ErrLimit: the channel is full, or without capacity and nobody waits
// for an item. ErrClosed: nobody receives any more.
func (s *Sender[T]) TrySend(item T) error {
	number := s.items.put(item)
	err := errorIf(cx.ChannelTrySend(s.id, number))
	if err != nil {
		s.items.take(number)
	}
	return err
}

// Clone makes another handle of the sending side.
func (s *Sender[T]) Clone() (*Sender[T], error) {
	cloned := cx.ChannelClone(s.id, true)
	if cloned.Failure != nil {
		return nil, newError(cloned.Failure, nil)
	}
	return &Sender[T]{loop: s.loop, id: cloned.ID, items: s.items}, nil
}

// State looks at the channel.
func (s *Sender[T]) State() (ChanState, error) { return chanState(s.id, true) }

// Close fails sends through this handle that wait with ErrClosed. After the last handle of its side
// receivers get what is in the channel, then io.EOF. Doing it again is harmless.
func (s *Sender[T]) Close() { cx.ChannelRelease(s.id, true) }

// Receiver is a handle of the receiving side of a channel. It is safe for concurrent use.
type Receiver[T any] struct {
	loop   *Loop
	id     uint64
	items  *items[T]
	closed atomic.Bool
}

// Recv waits for an item; io.EOF says that all senders are closed and all items were taken. If ctx ends
// before an item came it takes none; one that came is returned whatever ctx does.
func (r *Receiver[T]) Recv(ctx context.Context) (item T, err error) {
	r.items.enter()
	defer r.items.leave()
	w := newWaiter(takeValue)
	defer w.free()
	e := r.loop.call(ctx, w, func(tail cx.Tail) cx.Started { return cx.ChannelReceive(r.id, tail) })
	switch {
	case e != nil:
		return item, e
	case w.kind == cx.End:
		return item, io.EOF
	}
	return r.items.take(w.value), nil
}

// TryRecv receives an item now, or none. ErrLimit: there is none now. io.EOF: there will be none any more.
func (r *Receiver[T]) TryRecv() (item T, err error) {
	r.items.enter()
	defer r.items.leave()
	received := cx.ChannelTryReceive(r.id)
	switch {
	case received.Failure == nil:
		return r.items.take(received.ID), nil
	case Status(received.Failure.Status) == ErrClosed:
		return item, io.EOF
	}
	return item, newError(received.Failure, nil)
}

// PutBack puts an item in front of all others, as if it had never been received: for what you cannot
// use after all. Several keep their order if the last is put back first. It finds a place in any case,
// past the capacity and after the last sender, too. ErrEnded: this receiver is closed.
func (r *Receiver[T]) PutBack(item T) error {
	r.items.enter()
	defer r.items.leave()
	number := r.items.put(item)
	err := errorIf(cx.ChannelPutBack(r.id, number))
	if err != nil {
		r.items.take(number)
	}
	return err
}

// Clone makes another handle of the receiving side.
func (r *Receiver[T]) Clone() (*Receiver[T], error) {
	r.items.enter()
	cloned := cx.ChannelClone(r.id, false)
	if cloned.Failure != nil {
		r.items.leave()
		return nil, newError(cloned.Failure, nil)
	}
	return &Receiver[T]{loop: r.loop, id: cloned.ID, items: r.items}, nil
}

// State looks at the channel.
func (r *Receiver[T]) State() (ChanState, error) { return chanState(r.id, false) }

// Close fails receives through this handle that wait with ErrClosed. After the last handle of its side
// sends fail with ErrClosed, and what is in the channel is forgotten. Doing it again is harmless.
func (r *Receiver[T]) Close() {
	if !r.closed.Swap(true) {
		cx.ChannelRelease(r.id, false)
		r.items.leave()
	}
}
