package creche_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"testing"
	"time"

	"libcreche/creche"
)

func open(t *testing.T) (*sql.DB, *creche.Pool) {
	t.Helper()
	p := pool(t, &creche.PoolOptions{MaxSize: 6})
	db := sql.OpenDB(p.Connector())
	db.SetMaxOpenConns(5)
	t.Cleanup(func() { db.Close() })
	return db, p
}

func TestSQLBasics(t *testing.T) {
	db, p := open(t)
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	name := table(t, p, "i int, s text, at timestamptz, b bytea")
	now := time.Now().Truncate(time.Microsecond)
	result, err := db.Exec("insert into "+name+" values ($1, $2, $3, $4), (2, null, null, null)", 1, "one", now, []byte{1, 0})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 2 {
		t.Error(n, err)
	}
	if _, err := result.LastInsertId(); err == nil {
		t.Error("a last insert id")
	}
	rows, err := db.Query("select * from " + name + " order by i")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil || types[0].DatabaseTypeName() != "INT4" || types[3].ScanType().String() != "[]uint8" {
		t.Error(err, types[0].DatabaseTypeName(), types[3].ScanType())
	}
	for n := 1; rows.Next(); n++ {
		var i int
		var s sql.NullString
		var at sql.Null[time.Time]
		var b []byte
		if err := rows.Scan(&i, &s, &at, &b); err != nil {
			t.Fatal(err)
		}
		if i != n || s.Valid != (n == 1) || at.Valid != (n == 1) || n == 1 && (!at.V.Equal(now) || len(b) != 2) {
			t.Error(i, s, at, b)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	statement, err := db.Prepare("select $1::int + $2::int")
	if err != nil {
		t.Fatal(err)
	}
	defer statement.Close()
	var sum int
	if err := statement.QueryRow(1, 2).Scan(&sum); err != nil || sum != 3 {
		t.Error(sum, err)
	}
	if _, err := db.Exec("select $1", sql.Named("a", 1)); err == nil {
		t.Error("a named parameter")
	}
	var e *creche.Error
	if _, err := db.Exec("selekt"); !errors.As(err, &e) || e.SQLState != "42601" {
		t.Error(err)
	}
	if err := db.QueryRow("select 1 where false").Scan(&sum); err != sql.ErrNoRows {
		t.Error(err)
	}
}

func TestSQLTransactions(t *testing.T) {
	db, p := open(t)
	ctx := context.Background()
	name := table(t, p, "i int")
	count := func() (n int) {
		if err := db.QueryRow("select count(*) from " + name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, commit := range []bool{true, false} {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("insert into " + name + " values (1)"); err != nil {
			t.Fatal(err)
		}
		if commit {
			err = tx.Commit()
		} else {
			err = tx.Rollback()
		}
		if err != nil || count() != 1 {
			t.Fatal(err, count())
		}
	}
	ended, cancel := context.WithCancel(ctx)
	tx, err := db.BeginTx(ended, nil)
	if err != nil {
		t.Fatal(err)
	}
	tx.Exec("insert into " + name + " values (1)")
	cancel()
	if err := tx.Commit(); !errors.Is(err, context.Canceled) && err != sql.ErrTxDone {
		t.Error(err)
	}
	if count() != 1 {
		t.Error(count())
	}
	readOnly, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Rollback()
	var e *creche.Error
	if _, err := readOnly.Exec("insert into " + name + " values (1)"); !errors.As(err, &e) || e.SQLState != "25006" {
		t.Error(err)
	}
	if _, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelLinearizable}); err == nil {
		t.Error("an isolation level that there is not")
	}
}

func TestSQLCancel(t *testing.T) {
	db, _ := open(t)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := db.ExecContext(ctx, "select pg_sleep(60)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	rows, err := db.QueryContext(ctx, "select generate_series(1, 1000000000)")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	cancel()
	for rows.Next() {
	}
	if err := rows.Err(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	rows.Close()
	// The same connections go on.
	for i := 0; i < 10; i++ {
		if err := db.Ping(); err != nil {
			t.Fatal(err)
		}
	}
}

// A connection that died while idle is replaced without anybody seeing it; one that died under a
// statement is a failure, for the server may have run it.
func TestSQLBadConnections(t *testing.T) {
	db, p := open(t)
	db.SetMaxOpenConns(1)
	var pid int
	if err := db.QueryRow("select pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Exec(context.Background(), "select pg_terminate_backend($1)", pid); err != nil {
		t.Fatal(err)
	}
	// Gone from the server, and our loop has had time to see it.
	for n := 1; n != 0; time.Sleep(50 * time.Millisecond) {
		if err := p.QueryRow(context.Background(), "select count(*) from pg_stat_activity where pid = $1", pid).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec("select 1"); err != nil {
		t.Errorf("after an idle death: %v", err)
	}
	var again int
	if err := db.QueryRow("select pg_backend_pid()").Scan(&again); err != nil || again == pid {
		t.Fatal(again, err)
	}
	go func() {
		time.Sleep(50 * time.Millisecond)
		p.Exec(context.Background(), "select pg_terminate_backend($1)", again)
	}()
	_, err := db.Exec("select pg_sleep(60)")
	var e *creche.Error
	if err == nil || errors.Is(err, driver.ErrBadConn) || !errors.As(err, &e) {
		t.Errorf("a death under a statement: %v", err)
	}
	if err := db.Ping(); err != nil {
		t.Error(err)
	}
}

func TestSQLManyGoroutines(t *testing.T) {
	db, p := open(t)
	var wait sync.WaitGroup
	for i := 0; i < 20; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := 0; n < 20; n++ {
				var got int
				if err := db.QueryRow("select $1::int", n).Scan(&got); err != nil || got != n {
					t.Error(got, err)
				}
			}
		}()
	}
	wait.Wait()
	db.Close()
	nothingLeased(t, p)
}
