package creche

import (
	"context"
	"io"
	"unsafe"

	"libcreche/creche/internal/cx"
)

// copies are what to start in C for a COPY where a querier is.
func (q *querier) copies() (in, out int32) {
	if q.query == cx.PoolQuery {
		return cx.PoolCopyIn, cx.PoolCopyOut
	}
	return cx.ConnectionCopyIn, cx.ConnectionCopyOut
}

// CopyIn runs a COPY ... FROM STDIN with what r gives, which is read as fast as the server takes it, and
// returns how many rows there were. When r fails nothing is stored: ErrBody, with that as its cause. An
// error of the server ends the reading; if r is an io.Closer it is closed then, and at the end.
func (q *querier) CopyIn(ctx context.Context, statement string, r io.Reader) (int64, error) {
	w := newWaiter(takeValue)
	defer w.free()
	if e := fill(&w.query, statement, nil); e != nil {
		return 0, e
	}
	in, _ := q.copies()
	u := &upload{loop: q.loop, body: r, pulls: make(chan pull, 1), ended: make(chan struct{}), waits: w}
	go u.run()
	w.flags = 0
	e := q.loop.callVia(ctx, q.loop.where(ctx), w, u, func(tail cx.Tail) cx.Started { return cx.CopyStart(in, q.id, tail, &w.query) })
	u.end()
	<-u.ended
	if e == nil {
		return int64(w.value), nil
	}
	if failed := u.err.Load(); failed != nil && e.Status == ErrBody {
		e.Cause = *failed
	}
	return 0, e
}

// CopyOut runs a COPY ... TO STDOUT and writes what comes to to, in whose pace the server sends, and
// returns how many rows there were. When to fails the COPY is cancelled, and that is the error.
func (q *querier) CopyOut(ctx context.Context, to io.Writer, statement string) (int64, error) {
	w := newWaiter(takeValue)
	defer w.free()
	if e := fill(&w.query, statement, nil); e != nil {
		return 0, e
	}
	_, out := q.copies()
	in := q.loop.where(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d := &download{to: to, chunks: make(chan chunk, chunksHeld), ended: make(chan struct{}), waits: w, cancel: cancel}
	go d.run()
	e := q.loop.callVia(ctx, in, w, d, func(tail cx.Tail) cx.Started { return cx.CopyStart(out, q.id, tail, &w.query) })
	if e != nil && d.waits != nil {
		d.close() // it was never started
	}
	<-d.ended
	switch {
	case d.err != nil:
		return 0, d.err
	case e != nil:
		return 0, e
	}
	return int64(w.value), nil
}

// chunksHeld: the library lets no more be unreleased.
const chunksHeld = 8

type chunk struct {
	handle uint64
	bytes  []byte // in the library's memory
}

// download writes what comes, from a goroutine that may block in Write.
type download struct {
	to     io.Writer
	chunks chan chunk
	ended  chan struct{}
	cancel context.CancelFunc
	err    error
	waits  *waiter // for the end; nil once it has come
}

func (d *download) deliver(ev *cx.Event) {
	if ev.Flags&cx.More == 0 {
		w := d.waits
		d.waits = nil
		d.close()
		w.deliver(ev)
		return
	}
	if ev.Kind == cx.Chunk && ev.Data != nil {
		ev.Flags &^= cx.Owned
		d.chunks <- chunk{ev.Value, unsafe.Slice((*byte)(ev.Data), int(ev.Size))}
	}
}

func (d *download) close() { close(d.chunks) }

func (d *download) run() {
	defer close(d.ended)
	for c := range d.chunks {
		if d.err == nil {
			if _, d.err = d.to.Write(c.bytes); d.err != nil {
				d.cancel()
			}
		}
		cx.ValueRelease(c.handle)
	}
}
