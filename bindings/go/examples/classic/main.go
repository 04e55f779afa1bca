// The classic examples of sessions, pools and nurseries. usage: DATABASE_URL=... classic URL
//
// must panics, as an exception would: in a group it cancels the others, and comes out of Run.
package main

import (
	"context"
	"fmt"
	"os"

	"libcreche/creche"
)

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// say prints a line, as the last thing that a function does.
func say(words ...any) error {
	_, err := fmt.Println(words...)
	return err
}

func main() {
	ctx, url, dsn := context.Background(), os.Args[1], os.Getenv("DATABASE_URL")
	session(ctx, url)
	timeouts(ctx, url)
	asCompleted(ctx, url)
	failFast(ctx, url)

	pool(ctx, dsn)
	db := must(creche.OpenPool(dsn, nil))
	cursor(ctx, db)
	transaction(ctx, db)
	records(ctx, db)
	check(db.Close())

	loop := must(creche.NewLoop(&creche.LoopOptions{Virtual: true})) // its clock jumps
	ctx = loop.Context(ctx)
	nursery(ctx)
	chained(ctx)
	taskGroup(ctx)
	shield(ctx)
}
