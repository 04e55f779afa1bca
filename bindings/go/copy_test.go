package creche_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"libcreche/creche"
)

type failsAfter struct{ after int }

func (f *failsAfter) Read(p []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, errors.New("the disk is gone")
	}
	return copy(p, "1\n"), nil
}

func (f *failsAfter) Write(p []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, errors.New("the disk is full")
	}
	return len(p), nil
}

func TestCopyRows(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	name := table(t, db, "id int8, name text, bytes bytea, real float8, at timestamptz, day date, n numeric, b bool")
	at := time.Date(2020, 1, 2, 3, 4, 5, 6000, time.UTC)
	i := 0
	n, err := db.CopyRows(ctx, "copy "+name+" from stdin", func() ([]any, error) {
		if i++; i > 1000 {
			return nil, nil
		}
		return []any{i, "a\\\tb\n\\.", []byte{0, 255, '\\'}, 0.1, at, at, "1.50", true}, nil
	})
	if err != nil || n != 1000 {
		t.Fatal(n, err)
	}
	var good int
	if err := db.QueryRow(ctx, "select count(*) from "+name+" where name = $1 and bytes = $2 and real = $3 and at = $4 and day = '2020-01-02' and n::text = '1.50' and b",
		"a\\\tb\n\\.", []byte{0, 255, '\\'}, 0.1, at).Scan(&good); err != nil || good != 1000 {
		t.Fatal(good, err)
	}
	var failure *creche.Error
	once := func(row []any) func() ([]any, error) {
		return func() ([]any, error) { r := row; row = nil; return r, nil }
	}
	_, err = db.CopyRows(ctx, "copy "+name+" (name, id) from stdin", once([]any{"x", "y"}))
	if !errors.As(err, &failure) || failure.Status != creche.ErrType || !strings.Contains(err.Error(), "row 0, column 1 (id, int8)") {
		t.Fatal(err)
	}
	lists := table(t, db, "id int, n int[]")
	if n, err := db.CopyRows(ctx, "copy "+lists+" from stdin", once([]any{1, []int{2, 3}})); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	_, err = db.CopyRows(ctx, "copy "+name+" (id) from stdin", func() ([]any, error) { return nil, errors.New("no more") })
	if !errors.As(err, &failure) || failure.Status != creche.ErrBody || !strings.Contains(err.Error(), "no more") {
		t.Fatal(err)
	}
}

func TestCopy(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	name := table(t, db, "id int, name text")
	lines := strings.Repeat("7\tsome name\n", 100000)
	if n, err := db.CopyIn(ctx, "copy "+name+" from stdin", strings.NewReader(lines)); err != nil || n != 100000 {
		t.Fatal(n, err)
	}
	var out bytes.Buffer
	if n, err := db.CopyOut(ctx, &out, "copy "+name+" to stdout"); err != nil || n != 100000 || out.String() != lines {
		t.Fatal(n, err, out.Len())
	}
	conn, err := db.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	_, err = conn.CopyIn(ctx, "copy "+name+" (id) from stdin", &failsAfter{3})
	var failure *creche.Error
	if !errors.As(err, &failure) || failure.Status != creche.ErrBody || !strings.Contains(err.Error(), "disk is gone") {
		t.Fatal(err)
	}
	if _, err = conn.CopyOut(ctx, &failsAfter{2}, "copy (select generate_series(1, 10000000)) to stdout"); err == nil ||
		err.Error() != "the disk is full" {
		t.Fatal(err)
	}
	if _, err = conn.CopyIn(ctx, "copy "+name+" (id) from stdin", strings.NewReader("x\n")); !errors.As(err, &failure) ||
		failure.SQLState != "22P02" {
		t.Fatal(err)
	}
	if _, err = conn.CopyOut(ctx, io.Discard, "select 1"); !errors.As(err, &failure) || failure.Status != creche.ErrInvalid {
		t.Fatal(err)
	}
	var n int
	if err = conn.QueryRow(ctx, "select count(*) from "+name).Scan(&n); err != nil || n != 100000 {
		t.Fatal(n, err)
	}
}
