package creche_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"libcreche/creche"
)

func TestPoolSizes(t *testing.T) {
	ctx := context.Background()
	db := pool(t, &creche.PoolOptions{InitialSize: 2, MaxSize: 3, Init: "set statement_timeout = '12345ms'",
		Setup: "set lock_timeout = '4321ms'"})
	for db.Counters().Connects < 2 {
		time.Sleep(time.Millisecond)
	}
	var set string
	if err := db.QueryRow(ctx, "show statement_timeout").Scan(&set); err != nil || set != "12345ms" {
		t.Fatal(set, err)
	}
	own, err := db.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := own.QueryRow(ctx, "show lock_timeout").Scan(&set); err != nil || set != "4321ms" {
		t.Fatal(set, err)
	}
	own.Release()
	if err := db.Resize(0, 1); err != nil {
		t.Fatal(err)
	}
	for db.Counters().Connections > 1 {
		time.Sleep(time.Millisecond)
	}
	var before, after int
	if err := db.QueryRow(ctx, "select pg_backend_pid()").Scan(&before); err != nil {
		t.Fatal(err)
	}
	if err := db.Expire(); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(ctx, "select pg_backend_pid()").Scan(&after); err != nil || before == after {
		t.Fatal(before, after, err)
	}
	if c := db.Counters(); c.MaxSize != 1 || c.Retired < 2 || db.Timings().Connect.Count != c.Connects {
		t.Fatal(c)
	}
	if err := db.Resize(2, 1); !errors.Is(err, creche.ErrInvalid) {
		t.Fatal(err)
	}
}
