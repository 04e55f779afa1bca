package creche_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"libcreche/creche"
)

func TestContextReachesTheGroup(t *testing.T) {
	for _, before := range []bool{true, false} {
		ctx, cancel := context.WithCancelCause(context.Background())
		if before {
			cancel(errBoom)
		}
		err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
			g.Go(func(ctx context.Context) error { return creche.Sleep(ctx, time.Hour) })
			if !before {
				cancel(errBoom)
			}
			return creche.Sleep(ctx, time.Hour)
		})
		if !errors.Is(err, context.Canceled) || !errors.Is(err, errBoom) || !errors.Is(err, creche.ErrCancelled) {
			t.Fatalf("%v: %v", before, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error { return creche.Sleep(ctx, time.Hour) })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestContextsMadeFromAScope(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "value")
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			if ctx.Value(key{}) != "value" {
				t.Error("values do not come through")
			}
			derived, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			<-derived.Done()
			var e *creche.Error
			if !errors.As(context.Cause(derived), &e) || derived.Err() != context.DeadlineExceeded {
				t.Errorf("derived: %v, %v", derived.Err(), context.Cause(derived))
			}
			return derived.Err()
		})
		g.Go(func(ctx context.Context) error {
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			err := creche.Sleep(short, time.Hour)
			if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
				t.Errorf("short: %v, %v", err, ctx.Err())
			}
			return nil
		})
		return nil
	}, creche.Timeout(50*time.Millisecond))
	if !errors.Is(err, creche.ErrTimeout) {
		t.Fatal(err)
	}
}

func TestNested(t *testing.T) {
	err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			return creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
				g.Go(func(ctx context.Context) error { return errBoom })
				g.Go(func(ctx context.Context) error { return creche.Sleep(ctx, time.Hour) })
				return nil
			}, creche.Name("inner"))
		})
		g.Go(func(ctx context.Context) error {
			return creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
				return creche.Sleep(ctx, time.Hour)
			})
		})
		return nil
	}, creche.Name("outer"))
	var outer, inner *creche.Error
	if !errors.As(err, &outer) || len(outer.Children) != 1 || !errors.As(outer.Children[0], &inner) ||
		inner.Status != creche.ErrGroup || inner.Children[0] != errBoom {
		t.Fatal(err)
	}
}

func TestShield(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var cleaned, cut error
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		cancel()
		<-ctx.Done()
		cleaned = creche.Shield(ctx, time.Second, func(ctx context.Context) error {
			if ctx.Err() != nil {
				t.Error("the shield leaks")
			}
			return creche.Sleep(ctx, 5*time.Millisecond)
		})
		cut = creche.Shield(ctx, 5*time.Millisecond, func(ctx context.Context) error {
			return creche.Sleep(ctx, time.Hour)
		})
		return ctx.Err()
	})
	if cleaned != nil || !errors.Is(cut, creche.ErrTimeout) || !errors.Is(cut, context.DeadlineExceeded) ||
		!errors.Is(err, context.Canceled) {
		t.Fatalf("%v, %v, %v", cleaned, cut, err)
	}
}

func TestScope(t *testing.T) {
	ctx := context.Background()
	sleep := func(ctx context.Context) error { return creche.Sleep(ctx, time.Hour) }
	if err := creche.Scope(ctx, sleep, creche.Timeout(time.Millisecond)); !errors.Is(err, creche.ErrTimeout) {
		t.Error(err)
	}
	if err := creche.Scope(ctx, sleep, creche.Timeout(time.Millisecond), creche.MoveOn()); err != nil {
		t.Error(err)
	}
	if err := creche.Scope(ctx, func(context.Context) error { return errBoom }); err != errBoom {
		t.Error(err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := creche.Scope(cancelled, sleep); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
