package creche

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"libcreche/creche/internal/cx"
)

// Rows are the rows of a statement: all of them (Query), or as they come (Stream). They are not safe
// for concurrent use.
type Rows struct {
	block  cx.Block
	row    int // in the block; -1 before the first
	names  []string
	types  []uint32
	named  []string // the types
	source *source  // of a stream
	result Result
	err    error
	closed bool
	safe   bool // has a finalizer
}

func newRows(block cx.Block) *Rows {
	r := &Rows{row: -1}
	if block.Valid() {
		r.take(block)
	}
	return r
}

// take makes a block the current one.
func (r *Rows) take(block cx.Block) {
	r.block, r.row = block, -1
	if r.names == nil {
		r.names, r.types = make([]string, block.Columns()), make([]uint32, block.Columns())
		for i := range r.names {
			r.names[i], r.types[i] = block.Name(i), block.Type(i)
		}
	}
	if affected := block.Affected(); affected >= 0 {
		r.result = Result{affected, block.Tag()}
	}
	if block.IsView() && !r.safe {
		r.safe = true
		runtime.SetFinalizer(r, (*Rows).drop)
	}
}

func (r *Rows) drop() {
	if r.block.Valid() {
		r.block.Release()
	}
}

// Columns are the names of the columns.
func (r *Rows) Columns() []string { return r.names }

// Types are the types of the columns: oids of pg_type.
func (r *Rows) Types() []uint32 { return r.types }

// TypeNames are the names of the types of the columns, "int8", "mood"; "" for one that is not known.
func (r *Rows) TypeNames() []string {
	if r.named == nil && r.block.Valid() {
		r.named = make([]string, len(r.types))
		for i, oid := range r.types {
			r.named[i] = r.block.TypeName(oid)
		}
	}
	return r.named
}

// Result says what the statement did; of a stream, once Next has returned false.
func (r *Rows) Result() Result { return r.result }

// Len is how many rows the current block has: all, unless this is a stream.
func (r *Rows) Len() int {
	if !r.block.Valid() {
		return 0
	}
	return r.block.Rows()
}

// Next goes to the next row. After the last one, or a failure (Err), it closes the rows.
func (r *Rows) Next() bool {
	for !r.closed {
		if r.block.Valid() {
			if r.row++; r.row < r.block.Rows() {
				return true
			}
		}
		if r.source == nil {
			break
		}
		r.drop()
		block, err := r.source.next()
		if err != nil {
			if err != io.EOF {
				r.err = err
			} else if r.result.Tag == "" {
				r.result.Affected = r.source.affected
			}
			break
		}
		r.take(block)
	}
	r.Close()
	return false
}

// Err is the failure that ended Next, if one did.
func (r *Rows) Err() error { return r.err }

// Close gives the rows up. A stream that goes on is cancelled, and has ended when Close returns.
func (r *Rows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.drop()
	if r.source != nil {
		r.source.close()
	}
	return nil
}

var errNoRow = errors.New("creche: there is no current row: call Next first")

// Scan stores the current row's cells in what dest points at: basic types and types of their kinds,
// time.Time, []byte, slices (arrays), pointers (nil for NULL), any, sql.Scanner. Integers are taken from
// int2, int4, int8, oid and a numeric that is a whole number, if they fit; floats from numbers of every
// type, as the nearest one; strings from everything, as PostgreSQL prints it; []byte is bytea's bytes,
// and for all other types their text. An error says ErrNull for NULL, ErrType for another type, ErrLimit
// for a value that does not fit.
func (r *Rows) Scan(dest ...any) error {
	if r.closed || !r.block.Valid() || r.row < 0 {
		return errNoRow
	}
	if len(dest) != len(r.names) {
		return fmt.Errorf("creche: %d columns do not fit into %d variables", len(r.names), len(dest))
	}
	for i, d := range dest {
		if err := scanCell(&r.block, r.row, i, d); err != nil {
			status, cell := ErrType, (*cellError)(nil)
			if errors.As(err, &cell) {
				status = cell.status
			}
			return &Error{Status: status, Cause: err, Message: fmt.Sprintf("the column %q: %v", r.names[i], err)}
		}
	}
	return nil
}

// Values are the current row's cells: nil, bool, int64, float64, string, []byte or time.Time each.
func (r *Rows) Values() ([]any, error) {
	if r.closed || !r.block.Valid() || r.row < 0 {
		return nil, errNoRow
	}
	values := make([]any, len(r.names))
	for i := range values {
		values[i] = valueOf(&r.block, r.row, i)
	}
	return values, nil
}

// Row is the one row of QueryRow.
type Row struct {
	rows *Rows
	err  error
}

// Scan is as Rows.Scan; without a row it returns sql.ErrNoRows.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if r.rows.err != nil {
			return r.rows.err
		}
		return sql.ErrNoRows
	}
	return r.rows.Scan(dest...)
}

// Stream runs a statement and returns its rows as they come. Not reading holds the server back. Rows
// must be read to their end, or closed; their connection is their own until then.
func (q *querier) Stream(ctx context.Context, sql string, args ...any) (*Rows, error) {
	rows, e := q.startStream(ctx, q.loop.where(ctx), sql, args)
	if e != nil {
		return nil, e
	}
	return rows, nil
}

func (q *querier) startStream(ctx context.Context, in *scope, sql string, args []any) (*Rows, *Error) {
	if done := ctx.Done(); done != nil && !in.is(done) && ctx.Err() != nil {
		return nil, cancelledError(ctx)
	}
	w := newWaiter(takeValue) // for its space
	defer w.free()
	if e := fill(&w.query, sql, args); e != nil {
		return nil, e
	}
	s := &source{loop: q.loop, ctx: ctx, in: in}
	s.changed = sync.NewCond(&s.mu)
	user := q.loop.table.add(s)
	started := cx.QueryStart(q.stream, q.id, q.loop.tail(in, user), &w.query)
	if started.Failure != nil {
		q.loop.table.remove(user)
		return nil, newError(started.Failure, nil)
	}
	s.task = started.ID
	s.follower = in.follow(ctx, s.task)
	rows := &Rows{row: -1, source: s}
	// The first block has the columns, and a failure shows here.
	block, err := s.next()
	if err != nil {
		s.close()
		if e, ok := err.(*Error); ok {
			return nil, e
		}
		rows.source, rows.result.Affected = nil, s.affected
		return rows, nil
	}
	rows.take(block)
	return rows, nil
}

// source gets the blocks of a stream.
type source struct {
	loop     *Loop
	ctx      context.Context
	in       *scope
	task     uint64
	follower *follower

	mu       sync.Mutex
	changed  *sync.Cond
	blocks   []cx.Block // not more than the library lets be unreleased
	ended    bool
	closed   bool
	affected int64
	failure  *cx.Failure
}

func (s *source) deliver(ev *cx.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ev.Flags&cx.More != 0 {
		if ev.Kind == cx.RowsOf && !s.closed && ev.Data != nil {
			ev.Flags &^= cx.Owned
			s.blocks = append(s.blocks, cx.ViewBlock(ev.Data, ev.Value))
			s.changed.Signal()
		}
		return // what is not taken is released with its batch
	}
	s.ended, s.affected = true, int64(ev.Code)
	if ev.Status != 0 {
		if s.failure = ev.Failure(); s.failure == nil {
			s.failure = &cx.Failure{}
		}
		s.failure.Status = ev.Status
	}
	s.changed.Signal()
}

// next waits for a block; io.EOF is the good end.
func (s *source) next() (cx.Block, error) {
	s.mu.Lock()
	for len(s.blocks) == 0 && !s.ended {
		s.changed.Wait()
	}
	if len(s.blocks) > 0 {
		block := s.blocks[0]
		s.blocks = append(s.blocks[:0], s.blocks[1:]...)
		s.mu.Unlock()
		return block, nil
	}
	s.mu.Unlock()
	s.follower.stop()
	if s.failure != nil {
		return cx.Block{}, s.loop.failed(s.ctx, s.in, s.failure)
	}
	return cx.Block{}, io.EOF
}

// close cancels what is left and waits for its end.
func (s *source) close() {
	s.follower.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for i := range s.blocks {
		s.blocks[i].Release()
	}
	s.blocks = nil
	if s.ended {
		return
	}
	cx.ScopeCancel(s.task, "the rows were closed")
	for !s.ended {
		s.changed.Wait()
	}
}
