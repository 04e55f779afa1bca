package creche_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"libcreche/creche"
)

func TestConnections(t *testing.T) {
	ctx := context.Background()
	db := pool(t, &creche.PoolOptions{MaxSize: 1})
	conn, err := db.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Script(ctx, "create temp table mine (i int); insert into mine values (1), (2)"); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := conn.QueryRow(ctx, "select count(*) from mine").Scan(&n); err != nil || n != 2 {
		t.Fatalf("%v, %d", err, n)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := db.Acquire(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	conn.Release()
	conn.Release()
	if _, err := conn.Exec(ctx, "select 1"); !errors.Is(err, creche.ErrEnded) {
		t.Error(err)
	}
	// One that is acquired by a task is given back with it.
	err = creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		_, err := db.Acquire(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(ctx, "select 1").Scan(&n); err != nil {
		t.Fatal(err)
	}
}

func TestTransactions(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	name := table(t, db, "i int")
	count := func() (n int) {
		t.Helper()
		if err := db.QueryRow(ctx, "select count(*) from "+name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	insert := func(tx *creche.Tx) error {
		_, err := tx.Exec(ctx, "insert into "+name+" values (1)")
		return err
	}
	if err := db.Tx(ctx, insert); err != nil || count() != 1 {
		t.Fatal(err)
	}
	if err := db.Tx(ctx, func(tx *creche.Tx) error { insert(tx); return errBoom }); err != errBoom || count() != 1 {
		t.Fatal(err)
	}
	// A savepoint.
	err := db.Tx(ctx, func(tx *creche.Tx) error {
		if err := tx.Tx(ctx, func(tx *creche.Tx) error { insert(tx); return errBoom }); err != errBoom {
			return err
		}
		return tx.Tx(ctx, insert)
	})
	if err != nil || count() != 2 {
		t.Fatal(err)
	}
	// The end of the context rolls back.
	ended, cancel := context.WithCancel(ctx)
	err = db.Tx(ended, func(tx *creche.Tx) error {
		defer cancel()
		return insert(tx)
	})
	if !errors.Is(err, context.Canceled) || count() != 2 {
		t.Fatal(err)
	}
	// A commit that has begun is out of its reach.
	tx, err := db.Begin(ctx, &creche.TxOptions{Isolation: creche.Serializable})
	if err != nil {
		t.Fatal(err)
	}
	if err := insert(tx); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ended); err != nil || count() != 3 {
		t.Fatal(err)
	}
	if err := tx.Rollback(ctx); err != sql.ErrTxDone {
		t.Error(err)
	}
	// So is one in a group that was cancelled.
	err = creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		tx, err := db.Begin(ctx, nil)
		if err != nil {
			return err
		}
		if err := insert(tx); err != nil {
			return err
		}
		g.Cancel("too late")
		return tx.Commit(ctx)
	})
	if err != nil || count() != 4 {
		t.Errorf("%v, %d", err, count())
	}
	err = db.Tx(ctx, func(tx *creche.Tx) error { return insert(tx) }, creche.TxOptions{ReadOnly: true})
	var e *creche.Error
	if !errors.As(err, &e) || e.SQLState != "25006" {
		t.Error(err)
	}
	// A failed statement that the function does not report: COMMIT is answered by ROLLBACK.
	err = db.Tx(ctx, func(tx *creche.Tx) error {
		insert(tx)
		tx.Exec(ctx, "select 1/0")
		return nil
	})
	if !errors.Is(err, creche.ErrRolledBack) || count() != 4 {
		t.Error(err)
	}
	func() {
		defer func() {
			if recover() != "oh no" {
				t.Error("no panic")
			}
		}()
		db.Tx(ctx, func(tx *creche.Tx) error { insert(tx); panic("oh no") })
	}()
	if n := count(); n != 4 {
		t.Error(n)
	}
	nothingLeased(t, db)
}

func TestTransactionsAreAsTheirOptionsSay(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	conn := must(db.Acquire(ctx))
	defer conn.Release()
	must(conn.Exec(ctx, "select set_config('default_transaction_read_only', 'on', false)"))
	options := creche.TxOptions{Isolation: creche.ReadUncommitted, ReadWrite: true, NotDeferrable: true}
	tx := must(conn.Begin(ctx, &options))
	var how string
	err := tx.QueryRow(ctx, `select current_setting('transaction_read_only') || ' ' ||
		current_setting('transaction_isolation')`).Scan(&how)
	if err != nil || how != "off read uncommitted" {
		t.Error(err, how)
	}
	inner := must(conn.Begin(ctx, &options))
	ok(t, inner.Commit(ctx))
	_, err = conn.Begin(ctx, &creche.TxOptions{Isolation: creche.Serializable})
	is(t, err, creche.ErrState)
	ok(t, tx.Rollback(ctx))
	_, err = db.Begin(ctx, &creche.TxOptions{ReadOnly: true, ReadWrite: true})
	is(t, err, creche.ErrInvalid)
}

// What says so may be any of the errors that fn returns as one.
func TestSerializationIsFoundInWhatIsJoined(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	for _, join := range []func(err error) error{
		func(err error) error { return errors.Join(errBoom, err) },
		func(err error) error { return fmt.Errorf("%w: %w", creche.ErrState, fmt.Errorf("inside: %w", err)) },
	} {
		tries := 0
		err := db.Tx(ctx, func(tx *creche.Tx) error {
			if tries++; tries > 2 {
				return nil
			}
			_, err := tx.Exec(ctx, "do $$ begin raise exception using errcode = '40001'; end $$")
			return join(err)
		}, creche.TxOptions{Retries: 5})
		if err != nil || tries != 3 {
			t.Error(err, tries)
		}
	}
}

func TestSerializationIsRetried(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	name := table(t, db, "i int")
	db.Exec(ctx, "insert into "+name+" values (0)")
	var wait sync.WaitGroup
	for i := 0; i < 4; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := 0; n < 10; n++ {
				err := db.Tx(ctx, func(tx *creche.Tx) error {
					var i int
					if err := tx.QueryRow(ctx, "select i from "+name).Scan(&i); err != nil {
						return err
					}
					_, err := tx.Exec(ctx, "update "+name+" set i = $1", i+1)
					return err
				}, creche.TxOptions{Isolation: creche.Serializable, Retries: 1000})
				if err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wait.Wait()
	var n int
	if err := db.QueryRow(ctx, "select i from "+name).Scan(&n); err != nil || n != 40 {
		t.Fatalf("%v, %d", err, n)
	}
}
