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
