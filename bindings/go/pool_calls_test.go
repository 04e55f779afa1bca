package creche_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"libcreche/creche"
)

func TestPasswords(t *testing.T) {
	var asked atomic.Int32
	db := pool(t, &creche.PoolOptions{MaxSize: 1, Password: func(r creche.PasswordRequest) (string, error) {
		asked.Add(1)
		if r.Refused || r.Host == "" {
			return "", creche.ErrInvalid
		}
		return "trusted anyway", nil
	}})
	var one int
	if err := db.QueryRow(context.Background(), "select 1").Scan(&one); err != nil || asked.Load() != 1 {
		t.Fatal(err, asked.Load())
	}
	for _, c := range []struct {
		says error
		is   creche.Status
	}{{errors.New("no token"), creche.ErrUser}, {creche.ErrDNS, creche.ErrDNS}} {
		none := pool(t, &creche.PoolOptions{Password: func(creche.PasswordRequest) (string, error) { return "", c.says }})
		if err := none.QueryRow(context.Background(), "select 1").Scan(&one); !errors.Is(err, c.is) {
			t.Fatal(err)
		}
	}
	long := pool(t, &creche.PoolOptions{Password: func(creche.PasswordRequest) (string, error) {
		return strings.Repeat("x", 20000), nil
	}})
	if err := long.QueryRow(context.Background(), "select 1").Scan(&one); !errors.Is(err, creche.ErrLimit) {
		t.Fatal(err)
	}
}

func TestNotices(t *testing.T) {
	said := make(chan creche.Notice, 1)
	db := pool(t, &creche.PoolOptions{Notice: func(n *creche.Notice) { said <- *n }})
	const raises = "do $$ begin raise warning 'careful' using hint = 'slowly'; end $$"
	if _, err := db.Exec(context.Background(), raises); err != nil {
		t.Fatal(err)
	}
	if n := <-said; n.Severity != "WARNING" || n.Message != "careful" || n.Hint != "slowly" || n.SQLState != "01000" {
		t.Fatal(n)
	}
}

func TestCommandTimeout(t *testing.T) {
	db := pool(t, &creche.PoolOptions{CommandTimeout: time.Second})
	if _, err := db.Exec(context.Background(), "select pg_sleep(60)"); !errors.Is(err, creche.ErrTimeout) {
		t.Fatal(err)
	}
}

func TestBodies(t *testing.T) {
	ctx := context.Background()
	var inits, setups, resets atomic.Int32
	fail := atomic.Bool{}
	db := pool(t, &creche.PoolOptions{MaxSize: 1, NoReset: true,
		OnInit: func(ctx context.Context, c *creche.Conn) error {
			inits.Add(1)
			_, err := c.Exec(ctx, "select set_config('creche.by_init', '42', false)")
			return err
		},
		OnSetup: func(ctx context.Context, c *creche.Conn) error {
			setups.Add(1)
			if fail.Load() {
				if err := c.Expire(); err != nil {
					return err
				}
				return errors.New("no use")
			}
			_, err := c.Exec(ctx, "set application_name = 'set up'")
			return err
		},
		OnReset: func(ctx context.Context, c *creche.Conn) error {
			resets.Add(1)
			panic("a panic is a failure")
		},
	})
	var n int
	if err := db.QueryRow(ctx, "select current_setting('creche.by_init')::int").Scan(&n); err != nil || n != 42 || inits.Load() != 1 || setups.Load() != 0 {
		t.Fatal(err, n, inits.Load())
	}
	c, err := db.Acquire(ctx)
	if err != nil || setups.Load() != 1 {
		t.Fatal(err)
	}
	var name string
	if err := c.QueryRow(ctx, "select current_setting('application_name')").Scan(&name); err != nil || name != "set up" {
		t.Fatal(err, name)
	}
	c.Release()
	// Its reset has failed: there is another one now.
	if err := db.QueryRow(ctx, "select current_setting('creche.by_init')::int").Scan(&n); err != nil || inits.Load() != 2 || resets.Load() != 1 {
		t.Fatal(err, inits.Load(), resets.Load())
	}
	fail.Store(true)
	if _, err := db.Acquire(ctx); err == nil || !strings.Contains(err.Error(), "no use") {
		t.Fatal(err)
	}
	if err := db.QueryRow(ctx, "select current_setting('creche.by_init')::int").Scan(&n); err != nil || inits.Load() != 3 {
		t.Fatal(err, inits.Load())
	}
}

func TestABodyIsToldToHurry(t *testing.T) {
	db := pool(t, &creche.PoolOptions{OnSetup: func(ctx context.Context, c *creche.Conn) error {
		<-ctx.Done()
		return ctx.Err()
	}, AcquireTimeout: 200 * time.Millisecond})
	if _, err := db.Acquire(context.Background()); !errors.Is(err, creche.ErrTimeout) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := db.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}
