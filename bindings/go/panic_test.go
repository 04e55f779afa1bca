package creche_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"libcreche/creche"
)

func TestPanicInAChild(t *testing.T) {
	var sibling error
	defer func() {
		p, ok := recover().(*creche.PanicError)
		if !ok || p.Value != "oh no" || !strings.Contains(string(p.Stack), "TestPanicInAChild") {
			t.Errorf("%v", p)
		}
		if !errors.Is(sibling, context.Canceled) {
			t.Errorf("sibling: %v", sibling)
		}
	}()
	creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			return creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
				g.Go(func(ctx context.Context) error { panic("oh no") })
				return nil
			})
		})
		g.Go(func(ctx context.Context) error {
			sibling = creche.Sleep(ctx, time.Hour)
			return sibling
		})
		return nil
	})
	t.Error("Run returned")
}

func TestPanicInTheBody(t *testing.T) {
	var child atomic.Bool
	defer func() {
		if value := recover(); value != "oh no" || !child.Load() {
			t.Errorf("%v, %v", value, child.Load())
		}
	}()
	creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			<-ctx.Done()
			child.Store(true)
			return ctx.Err()
		})
		panic("oh no")
	})
}

func TestGoexitInAChild(t *testing.T) {
	err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error { runtime.Goexit(); return nil })
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "Goexit") {
		t.Fatal(err)
	}
}
