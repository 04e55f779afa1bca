package creche_test

import (
	"context"
	"errors"
	"testing"

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
