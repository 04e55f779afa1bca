package creche

import (
	"context"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"libcreche/creche/internal/cx"
)

// onPool is one of two.
func (q *querier) onPool(yes, no int32) int32 {
	if q.query == cx.PoolQuery {
		return yes
	}
	return no
}

// CopyIn runs a COPY ... FROM STDIN with what r gives, which is read as fast as the server takes it, and
// returns how many rows there were. When r fails nothing is stored: ErrBody, with that as its cause. An
// error of the server ends the reading; if r is an io.Closer it is closed then, and at the end.
func (q *querier) CopyIn(ctx context.Context, statement string, r io.Reader) (int64, error) {
	affected, _, err := q.upload(ctx, q.onPool(cx.PoolCopyIn, cx.ConnectionCopyIn), statement, r)
	return affected, err
}

// upload runs what takes bytes, and returns how many rows it has affected, or which one failed.
func (q *querier) upload(ctx context.Context, what int32, statement string, r io.Reader) (affected int64, failed int, err error) {
	w := newWaiter(takeValue)
	defer w.free()
	if e := fill(&w.query, statement, nil); e != nil {
		return 0, -1, e
	}
	u := &upload{loop: q.loop, body: r, pulls: make(chan pull, 1), ended: make(chan struct{}), waits: w}
	go u.run()
	w.flags = 0
	e := q.loop.callVia(ctx, q.loop.where(ctx), w, u, func(tail cx.Tail) cx.Started { return cx.CopyStart(what, q.id, tail, &w.query) })
	u.end()
	<-u.ended
	if e == nil {
		return int64(w.value), -1, nil
	}
	if failed := u.err.Load(); failed != nil && e.Status == ErrBody {
		e.Cause = *failed
	}
	return 0, w.n, e
}

// CopyRows runs COPY table [(columns)] FROM STDIN with the rows that next gives, values like those of
// statements, until it gives nil; it is asked as fast as the server takes them. Returns how many rows there
// were. If all columns are of types that have a form for that, they go in binary; strings for numbers and
// times are read here then, as PostgreSQL prints them, and what does not fit its column without loss is
// ErrType, with row and column; else as text, which the server reads. An error of next is ErrBody with that
// as its cause. Nothing is stored after an error.
func (q *querier) CopyRows(ctx context.Context, statement string, next func() ([]any, error)) (int64, error) {
	affected, _, err := q.upload(ctx, q.onPool(cx.PoolCopyRows, cx.ConnCopyRows), statement, &rowReader{next: next})
	return affected, err
}

// ExecRows runs a statement with the rows of parameters that next gives, until it gives nil, all or nothing,
// as ExecMany does with rows that are there; it is asked as fast as the server takes them. Returns how many
// rows it has affected, and which row failed, or -1.
func (q *querier) ExecRows(ctx context.Context, statement string, next func() ([]any, error)) (affected int64, failed int, err error) {
	affected, failed, err = q.upload(ctx, q.onPool(cx.PoolRows, cx.ConnectionRows), statement, &rowReader{next: next})
	var e *Error
	if errors.As(err, &e) && e.Status != ErrPG && e.Status != ErrInvalid && e.Status != ErrType {
		failed = -1
	}
	return affected, failed, err
}

// rowReader gives rows as the library takes them.
type rowReader struct {
	next  func() ([]any, error)
	query cx.Query
	text  []byte
	ended bool
}

func (r *rowReader) Read(p []byte) (int, error) {
	for len(r.text) == 0 {
		if r.ended {
			return 0, io.EOF
		}
		if err := r.encode(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

// encode takes a few rows of one width.
func (r *rowReader) encode() error {
	const few = 64
	var all []any
	width, rows := 0, 0
	for rows < few {
		row, err := r.next()
		if err != nil {
			return err
		}
		if row == nil {
			r.ended = true
			break
		}
		if rows > 0 && len(row) != width {
			return &Error{Status: ErrInvalid, Message: fmt.Sprintf("a row has %d values, the one before %d", len(row), width)}
		}
		width = len(row)
		all = append(all, row...)
		rows++
	}
	if rows == 0 {
		return nil
	}
	if e := fill(&r.query, "", all); e != nil {
		return e
	}
	text, failed := cx.RowsBytes(&r.query, width, rows)
	if failed != nil {
		return newError(failed, nil)
	}
	r.text = text
	return nil
}

// CopyOut runs a COPY ... TO STDOUT and writes what comes to to, in whose pace the server sends, and
// returns how many rows there were. When to fails the COPY is cancelled, and that is the error.
func (q *querier) CopyOut(ctx context.Context, to io.Writer, statement string) (int64, error) {
	w := newWaiter(takeValue)
	defer w.free()
	if e := fill(&w.query, statement, nil); e != nil {
		return 0, e
	}
	out := q.onPool(cx.PoolCopyOut, cx.ConnectionCopyOut)
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
