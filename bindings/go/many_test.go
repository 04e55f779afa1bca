package creche_test

import (
	"context"
	"errors"
	"testing"

	"libcreche/creche"
)

func TestExecRows(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	name := table(t, db, "id int primary key, name text")
	give := func(n, twice int) func() ([]any, error) {
		i := -1
		return func() ([]any, error) {
			if i++; i == n {
				return nil, nil
			}
			if i == twice {
				return []any{0, "again"}, nil
			}
			return []any{i, "name"}, nil
		}
	}
	if n, failed, err := db.ExecRows(ctx, "insert into "+name+" values ($1, $2)", give(20000, -1)); n != 20000 || failed != -1 || err != nil {
		t.Fatal(n, failed, err)
	}
	if _, err := db.Exec(ctx, "truncate "+name); err != nil {
		t.Fatal(err)
	}
	var e *creche.Error
	if _, failed, err := db.ExecRows(ctx, "insert into "+name+" values ($1, $2)", give(1000, 500)); failed != 500 || !errors.As(err, &e) ||
		e.SQLState != "23505" {
		t.Fatal(failed, err)
	}
	gone := func() ([]any, error) { return nil, errors.New("no more") }
	if _, failed, err := db.ExecRows(ctx, "insert into "+name+" values ($1, $2)", gone); failed != -1 || !errors.As(err, &e) ||
		e.Status != creche.ErrBody {
		t.Fatal(failed, err)
	}
}

func TestExecMany(t *testing.T) {
	ctx := context.Background()
	db := pool(t, nil)
	name := table(t, db, "id int primary key, name text")
	rows := make([][]any, 500)
	for i := range rows {
		rows[i] = []any{i, "name"}
	}
	n, failed, err := db.ExecMany(ctx, "insert into "+name+" values ($1, $2)", rows)
	if err != nil || n != 500 || failed != -1 {
		t.Fatal(n, failed, err)
	}
	var e *creche.Error
	rows = [][]any{{1000, "new"}, {7, "old"}, {1001, "new"}}
	if _, failed, err = db.ExecMany(ctx, "insert into "+name+" values ($1, $2)", rows); failed != 1 || !errors.As(err, &e) || e.SQLState != "23505" {
		t.Fatal(failed, err)
	}
	var count int
	if err := db.QueryRow(ctx, "select count(*) from "+name).Scan(&count); err != nil || count != 500 {
		t.Fatal(count, err)
	}
}
