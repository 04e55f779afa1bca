package creche

import (
	"context"
	"fmt"

	"libcreche/creche/internal/cx"
)

// Batch is several statements that are sent at once: one round trip. All of them are done or none,
// unless Separate says otherwise.
type Batch struct {
	// Separate: each stands for itself, and one that fails does not touch the others.
	Separate bool

	batch cx.Statements
	count int
	err   *Error
}

// Queue adds a statement.
func (b *Batch) Queue(sql string, args ...any) {
	b.batch.Next(sql)
	for i, arg := range args {
		if err := addArg(&b.batch.Query, arg); err != nil && b.err == nil {
			b.err = &Error{Status: ErrInvalid, Phase: PhaseQuery, Cause: err,
				Message: fmt.Sprintf("statement %d of the batch, the parameter $%d: %v", b.count, i+1, err)}
		}
	}
	b.count++
}

// BatchState says what became of a statement of a batch.
type BatchState uint32

// The states.
const (
	BatchDone    BatchState = cx.BatchDone
	BatchFailed  BatchState = cx.BatchFailed
	BatchUndone  BatchState = cx.BatchUndone  // it had been done, and was rolled back with the one that failed
	BatchNotRun  BatchState = cx.BatchNotRun  // it was not executed
	BatchUnknown BatchState = cx.BatchUnknown // the connection was lost
)

// BatchResult is what became of one statement.
type BatchResult struct {
	State BatchState
	Rows  *Rows // if it is done
	Err   error // if it failed
}

// Batch runs a batch. The error is that of the first statement that failed; the results are there
// all the same, unless the batch never began.
func (q *querier) Batch(ctx context.Context, b *Batch) ([]BatchResult, error) {
	if b.err != nil {
		return nil, b.err
	}
	w := newWaiter(takeValue)
	defer w.free()
	r := &batching{w: w}
	e := q.loop.callVia(ctx, q.loop.where(ctx), w, r, func(tail cx.Tail) cx.Started {
		return cx.BatchStart(q.query, q.id, tail, &b.batch, b.Separate)
	})
	results := make([]BatchResult, len(r.results))
	for i, result := range r.results {
		results[i].State = BatchState(result.State)
		if result.Block.Valid() {
			results[i].Rows = newRows(result.Block)
		}
		if result.Failure != nil {
			results[i].Err = newError(result.Failure, nil)
		}
	}
	if e != nil {
		return results, e
	}
	return results, nil
}

type batching struct {
	w       *waiter
	results []cx.BatchResult
}

func (b *batching) deliver(ev *cx.Event) {
	b.results = ev.BatchResults()
	ev.Data = nil
	owned := ev.Flags & cx.Owned
	b.w.deliver(ev)
	ev.Flags |= owned // all was copied
}

// Description says what a statement takes and returns.
type Description struct {
	Parameters  []uint32 // their types
	Columns     []string // nil: it returns no rows
	ColumnTypes []uint32
}

// Describe has the server parse a statement, and say what it takes and returns, without running it.
func (q *querier) Describe(ctx context.Context, sql string) (*Description, error) {
	w := newWaiter(takeValue)
	defer w.free()
	w.query.SQL(sql)
	r := &describing{w: w}
	e := q.loop.callVia(ctx, q.loop.where(ctx), w, r, func(tail cx.Tail) cx.Started {
		return cx.DescribeStart(q.query, q.id, tail, &w.query)
	})
	if e != nil {
		return nil, e
	}
	return &r.d, nil
}

type describing struct {
	w *waiter
	d Description
}

func (d *describing) deliver(ev *cx.Event) {
	var columns cx.Block
	d.d.Parameters, columns = ev.Description()
	if columns.Valid() {
		d.d.Columns, d.d.ColumnTypes = []string{}, []uint32{}
		for i := range columns.Columns() {
			d.d.Columns = append(d.d.Columns, columns.Name(i))
			d.d.ColumnTypes = append(d.d.ColumnTypes, columns.Type(i))
		}
	}
	ev.Data = nil
	owned := ev.Flags & cx.Owned
	d.w.deliver(ev)
	ev.Flags |= owned
}

// QueryMax is Query, but the server stops behind so many rows.
func (q *querier) QueryMax(ctx context.Context, rows int, sql string, args ...any) (*Rows, error) {
	w := newWaiter(takeRows)
	defer w.free()
	if e := fill(&w.query, sql, args); e != nil {
		return nil, e
	}
	w.query.MaxRows = uint32(max(rows, 0))
	if e := q.loop.call(ctx, w, func(tail cx.Tail) cx.Started { return cx.QueryStart(q.query, q.id, tail, &w.query) }); e != nil {
		return nil, e
	}
	return newRows(w.block), nil
}
