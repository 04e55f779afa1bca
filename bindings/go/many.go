package creche

import (
	"context"
	"fmt"

	"libcreche/creche/internal/cx"
)

// ExecMany runs a statement with many rows of parameters, all or nothing, and returns how many rows it has
// affected. It stops at the first row that fails; failed is its number, from 0 on (len(rows): the COMMIT),
// or -1. On a connection with an open transaction it is a part of that.
func (q *querier) ExecMany(ctx context.Context, statement string, rows [][]any) (affected int64, failed int, err error) {
	width := 0
	if len(rows) > 0 {
		width = len(rows[0])
	}
	all := make([]any, 0, width*len(rows))
	for i, row := range rows {
		if len(row) != width {
			return 0, i, &Error{Status: ErrInvalid, Message: fmt.Sprintf("row %d has %d parameters, the first one %d", i, len(row), width)}
		}
		all = append(all, row...)
	}
	w := newWaiter(takeValue)
	defer w.free()
	if e := fill(&w.query, statement, all); e != nil {
		return 0, -1, e
	}
	e := q.loop.call(ctx, w, func(tail cx.Tail) cx.Started {
		return cx.ManyStart(q.query, q.id, tail, &w.query, width, len(rows), false)
	})
	if e == nil {
		return int64(w.value), -1, nil
	}
	failed = -1
	if e.Status == ErrPG || e.Status == ErrInvalid || e.Status == ErrType {
		failed = w.n
	}
	return 0, failed, e
}
