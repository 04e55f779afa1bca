package creche

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"slices"
	"time"

	"libcreche/creche/internal/cx"
)

// Isolation of a transaction.
type Isolation uint32

// The isolation levels; the zero value is the session's default.
const (
	ReadUncommitted Isolation = cx.ReadUncommitted // PostgreSQL does as for ReadCommitted
	ReadCommitted   Isolation = cx.ReadCommitted
	RepeatableRead  Isolation = cx.RepeatableRead
	Serializable    Isolation = cx.Serializable
)

// TxOptions of Begin and Tx.
type TxOptions struct {
	Isolation     Isolation
	ReadOnly      bool
	ReadWrite     bool          // though the session's transactions are read-only
	Deferrable    bool          // serializable and read-only: it waits until it can never fail
	NotDeferrable bool          // though the session's transactions are deferrable
	Retries       int           // of Tx: run it again after a serialization failure or a deadlock
	RetryDelay    time.Duration // at the most, before the first of these; it grows, up to a second; 0: 5 ms; negative: none
	CommitTimeout time.Duration // how long a COMMIT or ROLLBACK may take; 30 s
}

func (o *TxOptions) flags() (flags uint32) {
	for _, mode := range [...]struct {
		wanted bool
		flag   uint32
	}{
		{o.ReadOnly, cx.ReadOnly},
		{o.ReadWrite, cx.ReadWrite},
		{o.Deferrable, cx.Deferrable},
		{o.NotDeferrable, cx.NotDeferrable},
	} {
		if mode.wanted {
			flags |= mode.flag
		}
	}
	return flags
}

// Tx is a transaction, or a savepoint in one. It ends with Commit or Rollback.
type Tx struct {
	querier
	conn    *Conn
	own     bool // the connection was acquired for it
	done    bool
	timeout time.Duration
}

// Begin begins a transaction on a connection of its own. options may be nil.
func (p *Pool) Begin(ctx context.Context, options *TxOptions) (*Tx, error) {
	conn, e := p.acquire(ctx, p.loop.where(ctx))
	if e != nil {
		return nil, e
	}
	tx, err := conn.Begin(ctx, options)
	if err != nil {
		conn.Release()
		return nil, err
	}
	tx.own = true
	return tx, nil
}

// Begin begins a transaction on the connection; inside one, a savepoint, which is as its transaction:
// isolation or modes that this was not begun with are ErrState.
func (c *Conn) Begin(ctx context.Context, options *TxOptions) (*Tx, error) {
	o := TxOptions{}
	if options != nil {
		o = *options
	}
	w := newWaiter(takeValue)
	defer w.free()
	e := c.loop.call(ctx, w, func(tail cx.Tail) cx.Started {
		return cx.Transaction(cx.BeginStep, c.id, tail, o.flags(), uint32(o.Isolation), o.CommitTimeout)
	})
	if e != nil {
		return nil, e
	}
	return &Tx{querier: c.querier, conn: c, timeout: o.CommitTimeout}, nil
}

// Begin makes a savepoint. It ends with Commit or Rollback of its own.
func (t *Tx) Begin(ctx context.Context) (*Tx, error) {
	if t.done {
		return nil, sql.ErrTxDone
	}
	return t.conn.Begin(ctx, &TxOptions{CommitTimeout: t.timeout})
}

// Commit commits, under a shield: the end of ctx cannot cut it. After a failure nothing was committed,
// except with ErrOutcomeUnknown: the COMMIT was sent, and its answer never came.
func (t *Tx) Commit(ctx context.Context) error { return t.end(ctx, cx.CommitStep) }

// Rollback rolls back, under a shield. After Commit it returns sql.ErrTxDone, so it may be deferred.
func (t *Tx) Rollback(ctx context.Context) error { return t.end(ctx, cx.RollbackStep) }

func (t *Tx) end(ctx context.Context, step int32) error {
	if t.done {
		return sql.ErrTxDone
	}
	t.done = true
	if t.own {
		defer t.conn.Release()
	}
	w := newWaiter(takeValue)
	defer w.free()
	e := t.loop.callIn(context.WithoutCancel(ctx), t.loop.where(ctx), w, func(tail cx.Tail) cx.Started {
		return cx.Transaction(step, t.id, tail, 0, 0, t.timeout)
	})
	if e != nil {
		return e
	}
	return nil
}

// Tx runs fn in a transaction: commits, under a shield, when it returns nil and ctx goes on; rolls
// back after an error, a panic, or the end of ctx. fn may run again if the options say so.
func (p *Pool) Tx(ctx context.Context, fn func(tx *Tx) error, options ...TxOptions) error {
	o := TxOptions{}
	if len(options) > 0 {
		o = options[0]
	}
	for attempt := 0; ; attempt++ {
		tx, err := p.Begin(ctx, &o)
		if err == nil {
			err = tx.run(ctx, fn)
		}
		if err == nil || attempt >= o.Retries || !serialization(err) || ctx.Err() != nil {
			return err
		}
		if d := o.retryDelay(attempt); d > 0 {
			if err := p.loop.await(ctx, func(tail cx.Tail) cx.Started { return cx.Sleep(tail, d) }); err != nil {
				return err
			}
		}
	}
}

// retryDelay: from half to all of a delay that is twice as long with each attempt, up to a second.
func (o *TxOptions) retryDelay(attempt int) time.Duration {
	d := o.RetryDelay
	if d == 0 {
		d = 5 * time.Millisecond
	}
	if d < 0 {
		return 0
	}
	for most := max(d, time.Second); attempt > 0 && d < most; attempt-- {
		d = min(2*d, most)
	}
	return d - rand.N(d/2+1)
}

// Tx runs fn in a savepoint, as Pool.Tx does in a transaction.
func (t *Tx) Tx(ctx context.Context, fn func(tx *Tx) error) error {
	inner, err := t.Begin(ctx)
	if err != nil {
		return err
	}
	return inner.run(ctx, fn)
}

func (t *Tx) run(ctx context.Context, fn func(tx *Tx) error) error {
	defer func() {
		if !t.done {
			t.Rollback(ctx)
		}
	}()
	if err := fn(t); err != nil {
		return err
	}
	if t.done {
		return nil // fn has ended it
	}
	if ctx.Err() != nil {
		return cancelledError(ctx)
	}
	return t.Commit(ctx)
}

// serialization: err, or one that it has come of, says that the transaction may be run again.
func serialization(err error) bool {
	if e, ok := err.(*Error); ok && (e.SQLState == "40001" || e.SQLState == "40P01") {
		return true
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return serialization(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), serialization)
	}
	return false
}
