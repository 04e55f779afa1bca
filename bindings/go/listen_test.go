package creche_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"libcreche/creche"
)

func TestListen(t *testing.T) {
	db := pool(t, nil)
	ctx := context.Background()
	enough := errors.New("enough")
	var heard []string
	err := db.Listen(ctx, []string{`go "news"`}, func() {
		if _, err := db.Exec(ctx, `select pg_notify('go "news"', i::text) from generate_series(1, 3) i`); err != nil {
			t.Error(err)
		}
	}, func(n creche.Notification) error {
		if heard = append(heard, n.Payload); len(heard) < 3 {
			return nil
		}
		return enough
	})
	if err != enough || len(heard) != 3 || heard[2] != "3" {
		t.Fatal(err, heard)
	}
	if c := db.Counters(); c.Acquires < 2 {
		t.Fatalf("%+v", c)
	}
}

// A gap is told even to who is so slow that notifications are thrown away.
func TestListenTellsOfGapsToTheSlow(t *testing.T) {
	db := pool(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	const said = 3000
	enough := errors.New("enough")
	listener := func() (process int) {
		err := db.QueryRow(ctx, `select coalesce(max(pid), 0) from pg_stat_activity where state = 'idle' and
			pid <> pg_backend_pid() and query like 'LISTEN "go gaps"%'`).Scan(&process)
		if err != nil {
			t.Error(err)
		}
		return process
	}
	told, heard, dropped := false, 0, uint64(0)
	err := db.Listen(ctx, []string{"go gaps"}, func() {
		if _, err := db.Exec(ctx, `select pg_notify('go gaps', i::text) from generate_series(1, $1::int) i`, said); err != nil {
			t.Error(err)
		}
	}, func(n creche.Notification) error {
		dropped += n.Dropped
		if n.Gap {
			return enough
		}
		if heard++; !told {
			told = true
			first := listener()
			if _, err := db.Exec(ctx, "select pg_terminate_backend($1::int)", first); err != nil {
				t.Error(err)
			}
			eventually(t, func() bool { now := listener(); return now != 0 && now != first })
		}
		return nil
	})
	if err != enough || heard+int(dropped) != said {
		t.Fatal(err, heard, dropped)
	}
}
