package creche_test

import (
	"context"
	"errors"
	"testing"

	"libcreche/creche"
)

func TestBatch(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	name := table(t, db, "id int primary key, name text")
	b := &creche.Batch{}
	b.Queue("insert into "+name+" values ($1, $2)", 1, "one")
	b.Queue("insert into "+name+" values ($1, $2) returning name", 2, nil)
	b.Queue("select count(*) from " + name)
	results, err := db.Batch(ctx, b)
	if err != nil || len(results) != 3 {
		t.Fatal(results, err)
	}
	var n int
	if !results[2].Rows.Next() || results[2].Rows.Scan(&n) != nil || n != 2 {
		t.Fatal(n)
	}
	b = &creche.Batch{}
	b.Queue("insert into "+name+" values ($1)", 3)
	b.Queue("insert into "+name+" values ($1)", 1)
	b.Queue("select 1")
	var e *creche.Error
	results, err = db.Batch(ctx, b)
	if !errors.As(err, &e) || e.SQLState != "23505" || results[0].State != creche.BatchUndone ||
		results[1].State != creche.BatchFailed || results[2].State != creche.BatchNotRun {
		t.Fatal(results, err)
	}
	b.Separate = true
	results, err = db.Batch(ctx, b)
	if !errors.As(err, &e) || results[0].State != creche.BatchDone || results[1].Err == nil || results[2].Rows == nil {
		t.Fatal(results, err)
	}
	if results, err = db.Batch(ctx, &creche.Batch{}); err != nil || len(results) != 0 {
		t.Fatal(results, err)
	}
}

func TestDescribe(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	d, err := db.Describe(ctx, "select $1::int4 as a, 'b'::text as b")
	if err != nil || len(d.Parameters) != 1 || d.Parameters[0] != 23 || len(d.Columns) != 2 || d.Columns[1] != "b" || d.ColumnTypes[1] != 25 {
		t.Fatal(d, err)
	}
	if d, err = db.Describe(ctx, "set statement_timeout = 0"); err != nil || d.Columns != nil {
		t.Fatal(d, err)
	}
	if _, err = db.Describe(ctx, "selekt"); err == nil {
		t.Fatal("no error")
	}
	var n int
	named := creche.Named{"b": 3, "a": 5}
	if err := db.QueryRow(ctx, "select :a::int - :b::int + :a", named).Scan(&n); err != nil || n != 7 {
		t.Fatal(n, err)
	}
	if err := db.QueryRow(ctx, "select :c", creche.Named{"a": 1}).Scan(&n); !errors.Is(err, creche.ErrInvalid) {
		t.Fatal(err)
	}
	rows, err := db.QueryMax(ctx, 2, "select generate_series(1, 1000000000)")
	count := 0
	for err == nil && rows.Next() {
		count++
	}
	if err != nil || count != 2 {
		t.Fatal(count, err)
	}
}

func TestCursor(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	c, err := db.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	cursor, err := c.OpenCursor(ctx, "Go's", &creche.CursorOptions{Hold: true, Scroll: true}, "select generate_series(1, $1::int)", 10)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := cursor.Move(ctx, 3); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	rows, err := cursor.Fetch(ctx, 1)
	var n int
	if err != nil || !rows.Next() || rows.Scan(&n) != nil || n != 4 {
		t.Fatal(n, err)
	}
	if n, err := cursor.Move(ctx, creche.AllRows); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	if err := cursor.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := cursor.Fetch(ctx, 1); err == nil {
		t.Fatal("no error")
	}
	if affected, failed, err := c.ExecMany(ctx, "select $1::int", [][]any{{1}, {2}}); affected != 2 || failed != -1 || err != nil {
		t.Fatal(affected, failed, err)
	}
}
