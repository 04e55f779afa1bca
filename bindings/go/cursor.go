package creche

import (
	"context"
	"math"

	"libcreche/creche/internal/cx"
)

// CursorOptions of OpenCursor.
type CursorOptions struct {
	Hold   bool // it outlives its transaction, and needs none
	Scroll bool // it goes backwards, too
}

// AllRows that are left: for Fetch and Move.
const AllRows = math.MaxInt64

// Cursor is a result that the server keeps, of which one takes as many rows at a time as one likes, and
// runs other statements in between.
type Cursor struct {
	conn *Conn
	name string
}

// OpenCursor opens a cursor for a SELECT or VALUES, inside of a transaction of the connection's.
func (c *Conn) OpenCursor(ctx context.Context, name string, options *CursorOptions, sql string, args ...any) (*Cursor, error) {
	flags := uint32(0)
	if options != nil && options.Hold {
		flags |= cx.CursorHold
	}
	if options != nil && options.Scroll {
		flags |= cx.CursorScroll
	}
	w := newWaiter(takeResult)
	defer w.free()
	if e := fill(&w.query, sql, args); e != nil {
		return nil, e
	}
	e := c.loop.call(ctx, w, func(tail cx.Tail) cx.Started {
		return cx.CursorStart(cx.CursorOpen, c.id, tail, name, flags, 0, &w.query)
	})
	if e != nil {
		return nil, e
	}
	return &Cursor{c, name}, nil
}

func (c *Cursor) step(ctx context.Context, w *waiter, step int32, rows int64) error {
	w.query.SQL("")
	e := c.conn.loop.call(ctx, w, func(tail cx.Tail) cx.Started {
		return cx.CursorStart(step, c.conn.id, tail, c.name, 0, rows, &w.query)
	})
	if e != nil {
		return e
	}
	return nil
}

// Fetch takes the next rows, or goes back so many if that is negative. Fewer than that are the end.
func (c *Cursor) Fetch(ctx context.Context, rows int64) (*Rows, error) {
	w := newWaiter(takeRows)
	defer w.free()
	if err := c.step(ctx, w, cx.CursorFetch, rows); err != nil {
		return nil, err
	}
	return newRows(w.block), nil
}

// Move passes over rows, and says how many there were.
func (c *Cursor) Move(ctx context.Context, rows int64) (int64, error) {
	w := newWaiter(takeResult)
	defer w.free()
	err := c.step(ctx, w, cx.CursorMove, rows)
	return w.result.Affected, err
}

// Close frees what it holds on the server.
func (c *Cursor) Close(ctx context.Context) error {
	w := newWaiter(takeResult)
	defer w.free()
	return c.step(ctx, w, cx.CursorClose, 0)
}
