package creche

import (
	"context"
	"time"

	"libcreche/creche/internal/cx"
)

// PoolOptions of OpenPool. 0 is the default; NoTimeout is no end.
type PoolOptions struct {
	Loop              *Loop // nil: the default one
	InitialSize       int   // connections opened at the start; 0
	MinSize           int   // connections kept open; 0
	MaxSize           int   // 10
	MaxWaiting        int   // callers waiting for a connection; no limit
	MaxUses           int   // a connection that was given out so often is closed; no limit
	StatementCache    int   // prepared statements on each connection; 256; negative: none
	PipelineDepth     int   // statements in flight on a shared connection; 64
	NoPrepare         bool  // behind a PgBouncer that pools transactions
	NoPipeline        bool
	NoReset           bool          // only roll back when a connection is given back
	ConnectTimeout    time.Duration // 30 s
	AcquireTimeout    time.Duration // 60 s
	IdleTimeout       time.Duration // 300 s
	MaxLifetime       time.Duration // of a connection; 30 min
	CancelTimeout     time.Duration // 5 s
	StatementLifetime time.Duration // of a prepared statement; 300 s
	ApplicationName   string
	// Init is run on each session before anybody gets it, and again behind each reset: statements
	// separated by semicolons. If it fails, so does who waits for the connection.
	Init string
	// Setup is run each time that somebody gets a connection of his own (Acquire, Begin, Transaction):
	// statements separated by semicolons. If it fails, so does that, with its error.
	Setup string
	// OnInit runs once on each new connection, before anybody gets it, in a goroutine of its own; OnSetup
	// each time that somebody gets one of his own; OnReset each time that one is given back. The context is
	// done when its time is over (ConnectTimeout, AcquireTimeout) or the pool is closed; the connection is
	// the pool's: releasing it has no effect. If one fails, so does who waits for the connection; that of
	// OnReset is closed. See Conn.Expire.
	OnInit, OnSetup, OnReset func(context.Context, *Conn) error
	// CommandTimeout is that of statements whose context has no deadline; none.
	CommandTimeout time.Duration
	// Password gives the password of each connection, in place of the DSN's: for tokens that are good
	// for a while. It may block. What is refused by the server is asked for once more.
	Password func(PasswordRequest) (string, error)
	// Notice is told what servers say beside their answers: RAISE NOTICE, warnings. It must not block.
	Notice func(*Notice)
}

// Pool is a pool of PostgreSQL connections. It is safe for concurrent use. Its statements share
// connections where that is safe; Acquire and Begin give one of their own.
type Pool struct {
	querier
	calls *cx.PoolCalls
}

// querier runs statements: a pool, a connection, a transaction.
type querier struct {
	loop          *Loop
	id            uint64
	query, stream int32 // what to start in C
}

// OpenPool opens a pool. dsn is a URI or key=value; empty is the environment (PGHOST, ...). A server
// that cannot be reached fails the statements, later.
func OpenPool(dsn string, options *PoolOptions) (*Pool, error) {
	o := PoolOptions{}
	if options != nil {
		o = *options
	}
	l, err := o.Loop.orDefault()
	if err != nil {
		return nil, err
	}
	c := cx.PoolOptions{
		InitialSize: uint32(max(o.InitialSize, 0)),
		MinSize:     uint32(max(o.MinSize, 0)), MaxSize: uint32(max(o.MaxSize, 0)), MaxWaiting: uint32(max(o.MaxWaiting, 0)),
		MaxUses:       uint32(max(o.MaxUses, 0)),
		PipelineDepth: uint32(max(o.PipelineDepth, 0)), StatementCache: orNone(o.StatementCache),
		ConnectTimeout: o.ConnectTimeout, AcquireTimeout: o.AcquireTimeout, IdleTimeout: o.IdleTimeout,
		MaxLifetime: o.MaxLifetime, CancelTimeout: o.CancelTimeout, StatementLifetime: o.StatementLifetime,
		CommandTimeout: o.CommandTimeout, ApplicationName: o.ApplicationName, Init: o.Init, Setup: o.Setup, Calls: o.calls(l),
	}
	if o.NoPrepare {
		c.Flags |= cx.PoolNoPrepare
	}
	if o.NoPipeline {
		c.Flags |= cx.PoolNoPipeline
	}
	if o.NoReset {
		c.Reset = cx.ResetNone
	}
	opened := cx.PoolOpen(l.id, dsn, c)
	if opened.Failure != nil {
		c.Calls.Forget()
		return nil, newError(opened.Failure, nil)
	}
	return &Pool{querier{l, opened.ID, cx.PoolQuery, cx.PoolStream}, c.Calls}, nil
}

// Close ends the pool's statements with ErrClosed and closes its connections.
func (p *Pool) Close() error {
	cx.PoolRelease(p.id)
	p.calls.Forget()
	return nil
}

// PoolCounters say what a pool has now, and did so far.
type PoolCounters struct {
	Connections, Idle, Leased, Waiting         uint64
	Connects, Statements, Pipelined, Prepares  uint64
	Cancels, Resent, Dropped                   uint64
	Acquires, EmptyAcquires, CancelledAcquires uint64
	Waited                                     time.Duration // of all that had to wait
	MinSize, MaxSize                           uint64        // as they are now
	Connecting, ConnectFailures                uint64
	RefusedAcquires, TimedOutAcquires          uint64
	Retired                                    uint64 // closed for their age, uses or idleness, by Resize or Expire
}

// Counters of the pool; zero once it is closed.
func (p *Pool) Counters() PoolCounters {
	v, _ := cx.PoolCounters(p.id)
	return PoolCounters{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13], time.Duration(v[14]),
		v[15], v[16], v[17], v[18], v[19], v[20], v[21]}
}

// PoolTimings say how long what a pool did took so far.
type PoolTimings struct {
	Acquire Histogram // those that had to wait for a connection, and got one
	Connect Histogram // from the beginning to the first use
	Query   Histogram // from the moment that the server could begin with it
}

// Timings of the pool; zero once it is closed.
func (p *Pool) Timings() PoolTimings {
	v, _ := cx.PoolTimings(p.id)
	h := func(i int) Histogram {
		return Histogram{v[i][0], time.Duration(v[i][1]), time.Duration(v[i][2]), [40]uint64(v[i][3:])}
	}
	return PoolTimings{h(0), h(1), h(2)}
}

// Resize changes how many connections the pool has: those over maxSize are closed when they have nothing
// to do, those that lack for minSize are opened.
func (p *Pool) Resize(minSize, maxSize int) error {
	if done := cx.PoolResize(p.id, uint32(max(minSize, 0)), uint32(max(maxSize, 0))); done.Failure != nil {
		return newError(done.Failure, nil)
	}
	return nil
}

// Expire has none of the connections that are open now given out again.
func (p *Pool) Expire() error {
	if done := cx.PoolExpire(p.id); done.Failure != nil {
		return newError(done.Failure, nil)
	}
	return nil
}

// Result says what a statement did.
type Result struct {
	Affected int64  // rows changed or returned
	Tag      string // "INSERT 0 5"
}

// Exec runs a statement.
func (q *querier) Exec(ctx context.Context, sql string, args ...any) (Result, error) {
	w := newWaiter(takeResult)
	defer w.free()
	if e := q.start(ctx, w, sql, args); e != nil {
		return Result{}, e
	}
	return w.result, nil
}

// Query runs a statement and returns its rows, all of them.
func (q *querier) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	w := newWaiter(takeRows)
	defer w.free()
	if e := q.start(ctx, w, sql, args); e != nil {
		return nil, e
	}
	return newRows(w.block), nil
}

// QueryRow runs a statement that gives one row. Scan reports its failure.
func (q *querier) QueryRow(ctx context.Context, sql string, args ...any) *Row {
	rows, err := q.Query(ctx, sql, args...)
	return &Row{rows, err}
}

func (q *querier) start(ctx context.Context, w *waiter, sql string, args []any) *Error {
	if e := fill(&w.query, sql, args); e != nil {
		return e
	}
	return q.loop.call(ctx, w, func(tail cx.Tail) cx.Started { return cx.QueryStart(q.query, q.id, tail, &w.query) })
}

// Conn is a connection of one's own. It belongs to the task, group or loop of the context that it was
// acquired with, and is given back at its end if not before.
type Conn struct {
	querier
}

// Acquire takes a connection out of the pool.
func (p *Pool) Acquire(ctx context.Context) (*Conn, error) {
	c, e := p.acquire(ctx, p.loop.where(ctx))
	if e != nil {
		return nil, e
	}
	return c, nil
}

func (p *Pool) acquire(ctx context.Context, in *scope) (*Conn, *Error) {
	w := newWaiter(takeValue)
	defer w.free()
	e := p.loop.callIn(ctx, in, w, func(tail cx.Tail) cx.Started { return cx.Acquire(p.id, tail) })
	if e != nil {
		return nil, e
	}
	return &Conn{querier{p.loop, w.value, cx.ConnectionQuery, cx.ConnectionStream}}, nil
}

// Release gives the connection back. Doing it again is harmless.
func (c *Conn) Release() { cx.ConnectionRelease(c.id) }

// Expire has the connection closed when it is given back, instead of kept for the next one.
func (c *Conn) Expire() error { return errorIf(cx.ConnectionExpire(c.id)) }

// Script runs several statements, separated by semicolons, without parameters.
func (c *Conn) Script(ctx context.Context, sql string) error {
	w := newWaiter(takeValue)
	defer w.free()
	if e := fill(&w.query, sql, nil); e != nil {
		return e
	}
	e := c.loop.call(ctx, w, func(tail cx.Tail) cx.Started { return cx.QueryStart(cx.Script, c.id, tail, &w.query) })
	if e != nil {
		return e
	}
	return nil
}
