package main

import (
	"context"
	"errors"
	"fmt"

	"libcreche/creche"
)

const add = "update account set cents = cents + $1 where name = $2"

// show: pool
func pool(ctx context.Context, dsn string) {
	db := must(creche.OpenPool(dsn, &creche.PoolOptions{MinSize: 1, MaxSize: 4}))
	defer db.Close()
	square := func(ctx context.Context, i int) (square any, err error) {
		err = db.QueryRow(ctx, "select $1::int * $1", i).Scan(&square)
		return
	}
	fmt.Println(must(creche.Map(ctx, []int{1, 2, 3, 4}, square))...)
}

// end: pool

// show: cursor
func cursor(ctx context.Context, db *creche.Pool) {
	var i, total int
	rows := must(db.Stream(ctx, "select i from generate_series(1, 100000) i"))
	for rows.Next() {
		check(rows.Scan(&i))
		total += i
	}
	check(rows.Err())
	fmt.Println(total)
}

// end: cursor

// show: transaction
func transaction(ctx context.Context, db *creche.Pool) {
	for _, cents := range []int{300, 900} {
		err := db.Tx(ctx, func(tx *creche.Tx) error {
			must(tx.Exec(ctx, add, cents, "ben"))
			_, err := tx.Exec(ctx, add, -cents, "anna")
			return err
		})
		if errors.Is(err, creche.ErrPG) {
			fmt.Println("rolled back")
		}
	}
}

// end: transaction

// show: records
func records(ctx context.Context, db *creche.Pool) {
	rows := must(db.Query(ctx, "select name, cents from account order by name"))
	for rows.Next() {
		account := must(rows.Values())
		fmt.Println(account...)
	}
}

// end: records
