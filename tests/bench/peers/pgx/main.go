// pgx, and pgxpool. usage: pgx held|pool DSN SECONDS CONNECTIONS CONCURRENCY
// held: a query at a time on each of CONNECTIONS connections; pool: CONCURRENCY goroutines on a pool.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const byKey = "select id, value from bench where id = $1"

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	must(err)
	return n
}

func main() {
	mode, dsn := os.Args[1], os.Args[2]
	seconds, err := strconv.ParseFloat(os.Args[3], 64)
	must(err)
	connections, concurrency := number(os.Args[4]), number(os.Args[5])
	ctx := context.Background()
	var on []querier
	if mode == "held" {
		for range connections {
			connection, err := pgx.Connect(ctx, dsn)
			must(err)
			on = append(on, connection)
		}
	} else {
		separator := "?"
		if strings.Contains(dsn, "?") {
			separator = "&"
		}
		size := fmt.Sprintf("%spool_max_conns=%d&pool_min_conns=%d", separator, connections, connections)
		pool, err := pgxpool.New(ctx, dsn+size)
		must(err)
		for range concurrency {
			on = append(on, pool)
		}
	}
	start := time.Now()
	until := start.Add(time.Duration(seconds * float64(time.Second)))
	var asked atomic.Int64 // all walk the same keys, in one row
	var workers sync.WaitGroup
	for _, where := range on {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for time.Now().Before(until) {
				var id int32
				var value string
				key := int32(1 + asked.Add(1)*7919%100000)
				must(where.QueryRow(ctx, byKey, key).Scan(&id, &value))
			}
		}()
	}
	workers.Wait()
	fmt.Printf("done %d seconds %.6f\n", asked.Load(), time.Since(start).Seconds())
}
