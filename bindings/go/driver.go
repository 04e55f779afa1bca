package creche

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"time"

	"libcreche/creche/internal/cx"
)

// Connector is the pool for database/sql: sql.OpenDB(pool.Connector()). Each connection of the sql.DB
// is one of the pool's, so limit both alike. Closing the sql.DB leaves the pool open.
func (p *Pool) Connector() driver.Connector { return &connector{p} }

type connector struct{ pool *Pool }

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	// It outlives ctx, so it belongs to the loop.
	conn, e := c.pool.acquire(ctx, c.pool.loop.root)
	if e != nil {
		return nil, e
	}
	return &sqlConn{conn: conn}, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return sqlDriver{} }

// sqlDriver opens pools of one connection by their DSN; a Connector is the better way.
type sqlDriver struct{}

// Open implements driver.Driver.
func (d sqlDriver) Open(dsn string) (driver.Conn, error) {
	pool, err := OpenPool(dsn, &PoolOptions{MaxSize: 1})
	if err != nil {
		return nil, err
	}
	conn, err := pool.Connector().Connect(context.Background())
	if err != nil {
		pool.Close()
		return nil, err
	}
	conn.(*sqlConn).pool = pool
	return conn, nil
}

// sqlConn is a connection of a sql.DB.
type sqlConn struct {
	conn *Conn
	pool *Pool // its own, if it has one
	bad  bool
}

// failed turns a failure into what database/sql wants: driver.ErrBadConn only if the server cannot have
// run the statement, because then it is sent again.
func (c *sqlConn) failed(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Status {
	case ErrDisconnected, ErrClosed, ErrEnded, ErrBadHandle, ErrProtocol, ErrTruncated, ErrOutcomeUnknown:
		c.bad = true
		if e.Unsent() || e.Status == ErrEnded || e.Status == ErrBadHandle {
			return &unsentError{e}
		}
	case ErrPG:
		if e.Server != nil && (e.Server.Severity == "FATAL" || e.Server.Severity == "PANIC") {
			c.bad = true
		}
	}
	return err
}

// unsentError is driver.ErrBadConn that says why.
type unsentError struct{ failure *Error }

func (e *unsentError) Error() string { return e.failure.Error() }

// Is makes it driver.ErrBadConn.
func (e *unsentError) Is(target error) bool { return target == driver.ErrBadConn }

// Unwrap is the failure itself.
func (e *unsentError) Unwrap() error { return e.failure }

// Ping implements driver.Pinger.
func (c *sqlConn) Ping(ctx context.Context) error {
	_, err := c.conn.Exec(ctx, "select 1")
	return c.failed(err)
}

// ResetSession implements driver.SessionResetter. What a connection must forget between its users of a
// sql.DB is up to them; the pool forgets all of it when the sql.DB gives the connection back.
func (c *sqlConn) ResetSession(ctx context.Context) error {
	if c.bad {
		return driver.ErrBadConn
	}
	return nil
}

// IsValid implements driver.Validator.
func (c *sqlConn) IsValid() bool { return !c.bad }

// Close implements driver.Conn.
func (c *sqlConn) Close() error {
	c.bad = true
	c.conn.Release()
	if c.pool != nil {
		return c.pool.Close()
	}
	return nil
}

// CheckNamedValue implements driver.NamedValueChecker.
func (c *sqlConn) CheckNamedValue(v *driver.NamedValue) error {
	if v.Name != "" {
		return errors.New("creche: PostgreSQL has no named parameters: use $1")
	}
	switch v.Value.(type) {
	case sql.Out:
		return errors.New("creche: PostgreSQL has no output parameters")
	case driver.Valuer:
		value, err := driver.DefaultParameterConverter.ConvertValue(v.Value)
		if err == nil {
			v.Value = value
		}
		return err
	}
	var q cx.Query
	return addArg(&q, v.Value)
}

func plain(args []driver.NamedValue) []any {
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = arg.Value
	}
	return values
}

// ExecContext implements driver.ExecerContext.
func (c *sqlConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.conn.Exec(ctx, query, plain(args)...)
	if err != nil {
		return nil, c.failed(err)
	}
	return sqlResult(result.Affected), nil
}

// QueryContext implements driver.QueryerContext. Rows are streamed.
func (c *sqlConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.Stream(ctx, query, plain(args)...)
	if err != nil {
		return nil, c.failed(err)
	}
	return &sqlRows{rows: rows, conn: c}, nil
}

// PrepareContext implements driver.ConnPrepareContext. The library prepares what is used often by
// itself, so a statement is its text, and what is wrong with it shows when it is used.
func (c *sqlConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &sqlStatement{c, query}, nil
}

// Prepare implements driver.Conn.
func (c *sqlConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// BeginTx implements driver.ConnBeginTx.
func (c *sqlConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	options := TxOptions{ReadOnly: o.ReadOnly}
	switch sql.IsolationLevel(o.Isolation) {
	case sql.LevelDefault:
	case sql.LevelReadUncommitted:
		options.Isolation = ReadUncommitted
	case sql.LevelReadCommitted:
		options.Isolation = ReadCommitted
	case sql.LevelRepeatableRead, sql.LevelSnapshot:
		options.Isolation = RepeatableRead
	case sql.LevelSerializable:
		options.Isolation = Serializable
	default:
		return nil, errors.New("creche: PostgreSQL has no such isolation level")
	}
	tx, err := c.conn.Begin(ctx, &options)
	if err != nil {
		return nil, c.failed(err)
	}
	return &sqlTx{c, tx}, nil
}

// Begin implements driver.Conn.
func (c *sqlConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

type sqlTx struct {
	conn *sqlConn
	tx   *Tx
}

// Commit implements driver.Tx.
func (t *sqlTx) Commit() error { return t.conn.failed(t.tx.Commit(context.Background())) }

// Rollback implements driver.Tx.
func (t *sqlTx) Rollback() error { return t.conn.failed(t.tx.Rollback(context.Background())) }

type sqlResult int64

// LastInsertId implements driver.Result.
func (sqlResult) LastInsertId() (int64, error) {
	return 0, errors.New("creche: PostgreSQL has no last insert id: use returning")
}

// RowsAffected implements driver.Result.
func (r sqlResult) RowsAffected() (int64, error) { return int64(r), nil }

type sqlStatement struct {
	conn  *sqlConn
	query string
}

// Close implements driver.Stmt.
func (s *sqlStatement) Close() error { return nil }

// NumInput implements driver.Stmt: the server counts.
func (s *sqlStatement) NumInput() int { return -1 }

// ExecContext implements driver.StmtExecContext.
func (s *sqlStatement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

// QueryContext implements driver.StmtQueryContext.
func (s *sqlStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

func named(args []driver.Value) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return values
}

// Exec implements driver.Stmt.
func (s *sqlStatement) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

// Query implements driver.Stmt.
func (s *sqlStatement) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

type sqlRows struct {
	rows *Rows
	conn *sqlConn
}

// Columns implements driver.Rows.
func (r *sqlRows) Columns() []string { return r.rows.Columns() }

// Close implements driver.Rows.
func (r *sqlRows) Close() error { return r.rows.Close() }

// Next implements driver.Rows.
func (r *sqlRows) Next(dest []driver.Value) error {
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return r.conn.failed(err)
		}
		return io.EOF
	}
	for i := range dest {
		dest[i] = valueOf(&r.rows.block, r.rows.row, i)
	}
	return nil
}

// ColumnTypeDatabaseTypeName implements driver.RowsColumnTypeDatabaseTypeName.
func (r *sqlRows) ColumnTypeDatabaseTypeName(i int) string { return typeName(r.rows.types[i]) }

// ColumnTypeScanType implements driver.RowsColumnTypeScanType.
func (r *sqlRows) ColumnTypeScanType(i int) reflect.Type {
	switch r.rows.types[i] {
	case cx.OIDBool:
		return reflect.TypeFor[bool]()
	case cx.OIDInt2, cx.OIDInt4, cx.OIDInt8, cx.OIDOid:
		return reflect.TypeFor[int64]()
	case cx.OIDFloat4, cx.OIDFloat8:
		return reflect.TypeFor[float64]()
	case cx.OIDDate, cx.OIDTimestamp, cx.OIDTimestampTZ:
		return reflect.TypeFor[time.Time]()
	case cx.OIDBytea, cx.OIDJSON, cx.OIDJSONB:
		return reflect.TypeFor[[]byte]()
	}
	return reflect.TypeFor[string]()
}

var (
	_ driver.Pinger             = (*sqlConn)(nil)
	_ driver.SessionResetter    = (*sqlConn)(nil)
	_ driver.Validator          = (*sqlConn)(nil)
	_ driver.ExecerContext      = (*sqlConn)(nil)
	_ driver.QueryerContext     = (*sqlConn)(nil)
	_ driver.ConnPrepareContext = (*sqlConn)(nil)
	_ driver.ConnBeginTx        = (*sqlConn)(nil)
	_ driver.NamedValueChecker  = (*sqlConn)(nil)
)
