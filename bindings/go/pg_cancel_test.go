package creche_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"libcreche/creche"
)

func TestCancelAQuery(t *testing.T) {
	db := pool(t, &creche.PoolOptions{MaxSize: 2})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := db.Exec(ctx, "select pg_sleep(60)"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Fatal(err)
	}
	err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			_, err := db.Exec(ctx, "select pg_sleep(60)")
			return err
		})
		g.Go(func(ctx context.Context) error {
			rows, err := db.Stream(ctx, "select pg_sleep(60)")
			if err == nil {
				rows.Close()
			}
			return err
		})
		return nil
	}, creche.Timeout(30*time.Millisecond))
	if !errors.Is(err, creche.ErrTimeout) {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRow(context.Background(), "select 1").Scan(&n); err != nil || n != 1 {
		t.Fatal(err)
	}
	if c := db.Counters(); c.Dropped != 0 || c.Leased != 0 {
		t.Errorf("%+v", c)
	}
}

// A statement is cancelled at each moment of its life; the pool is as good as new after it.
func TestCancelAtEveryStepOfAQuery(t *testing.T) {
	db := pool(t, &creche.PoolOptions{MaxSize: 3})
	var good, bad int
	for i := 0; i < 200; i++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*5*time.Microsecond)
		var n int
		err := db.QueryRow(ctx, "select $1::int", i).Scan(&n)
		switch {
		case err == nil && n == i:
			good++
		case errors.Is(err, context.DeadlineExceeded):
			bad++
		default:
			t.Fatal(err)
		}
		tx, err := db.Begin(ctx, nil)
		if err == nil {
			tx.Exec(ctx, "select 1")
			err = tx.Commit(ctx)
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, creche.ErrRolledBack) {
			t.Fatal(err)
		}
		cancel()
	}
	nothingLeased(t, db)
	t.Logf("%d came, %d were cancelled; %+v", good, bad, db.Counters())
}
