package creche_test

import (
	"context"
	"testing"

	"libcreche/creche"
)

func BenchmarkSleep(b *testing.B) {
	ctx := context.Background()
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if err := creche.Sleep(ctx, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSleepParallel(b *testing.B) {
	ctx := context.Background()
	b.ReportAllocs()
	b.SetParallelism(50)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			creche.Sleep(ctx, 0)
		}
	})
}

func BenchmarkGo(b *testing.B) {
	b.ReportAllocs()
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

func BenchmarkRun(b *testing.B) {
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error { return nil })
	}
}
