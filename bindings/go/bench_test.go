package creche_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"syscall"
	"testing"

	"libcreche/creche"
)

// processor reports the processor time of an operation, of all threads: what is left on a busy machine.
func processor(b *testing.B) func() {
	spent := func() int64 {
		var u syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return u.Utime.Nano() + u.Stime.Nano()
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := spent()
	return func() { b.ReportMetric(float64(spent()-before)/float64(b.N), "cpu-ns/op") }
}

// concurrently runs op b.N times, by 50 goroutines.
func concurrently(b *testing.B, op func() error) {
	defer processor(b)()
	b.SetParallelism(25)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := op(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkSleep(b *testing.B) {
	ctx := context.Background()
	defer processor(b)()
	for i := 0; i < b.N; i++ {
		if err := creche.Sleep(ctx, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSleepConcurrently(b *testing.B) {
	ctx := context.Background()
	concurrently(b, func() error { return creche.Sleep(ctx, 0) })
}

func BenchmarkSleepWithCancel(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	concurrently(b, func() error { return creche.Sleep(ctx, 0) })
}

func BenchmarkGo(b *testing.B) {
	defer processor(b)()
	err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		for i := 0; i < b.N; i++ {
			g.Go(func(ctx context.Context) error { return nil })
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// For comparison: what goroutines and a WaitGroup cost.
func BenchmarkGoroutines(b *testing.B) {
	defer processor(b)()
	var wait sync.WaitGroup
	for i := 0; i < b.N; i++ {
		_, cancel := context.WithCancel(context.Background())
		wait.Add(1)
		go func() {
			cancel()
			wait.Done()
		}()
	}
	wait.Wait()
}

func BenchmarkRun(b *testing.B) {
	defer processor(b)()
	for i := 0; i < b.N; i++ {
		creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error { return nil })
	}
}

func BenchmarkGet(b *testing.B) {
	url := server(b, "HTTP_URL") + "/small"
	web := session(b, nil)
	concurrently(b, func() error {
		_, err := web.Get(context.Background(), url)
		return err
	})
}

func BenchmarkRoundTripper(b *testing.B) { benchmarkClient(b, session(b, nil).RoundTripper()) }

// For comparison.
func BenchmarkNetHTTP(b *testing.B) {
	benchmarkClient(b, &http.Transport{MaxIdleConnsPerHost: 100})
}

func benchmarkClient(b *testing.B, transport http.RoundTripper) {
	url := server(b, "HTTP_URL") + "/small"
	client := &http.Client{Transport: transport}
	concurrently(b, func() error {
		r, err := client.Get(url)
		if err != nil {
			return err
		}
		defer r.Body.Close()
		_, err = io.Copy(io.Discard, r.Body)
		return err
	})
}

func BenchmarkQueryRow(b *testing.B) {
	db := pool(b, nil)
	concurrently(b, func() error {
		var n int
		return db.QueryRow(context.Background(), "select $1::int", 7).Scan(&n)
	})
}

func BenchmarkStreamRows(b *testing.B) {
	db := pool(b, nil)
	defer processor(b)()
	rows, err := db.Stream(context.Background(), "select generate_series(1, $1::int), 'text'", b.N)
	if err != nil {
		b.Fatal(err)
	}
	var n int
	var s string
	for rows.Next() {
		if err := rows.Scan(&n, &s); err != nil {
			b.Fatal(err)
		}
	}
	if rows.Err() != nil || n != b.N {
		b.Fatal(rows.Err(), n)
	}
}
