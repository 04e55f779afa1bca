package creche_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"libcreche/creche"
)

func TestContextHasTheScopesDeadline(t *testing.T) {
	l, ctx := virtual(t, 0)
	begin := l.Now()
	left := func(ctx context.Context) time.Duration {
		at, ok := ctx.Deadline()
		if !ok {
			return -1
		}
		return at.Sub(begin)
	}
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		if left(ctx) != time.Hour {
			t.Error("body", left(ctx))
		}
		ended := make(chan struct{}, 3)
		check := func(name string, want time.Duration, options ...creche.Option) {
			g.Go(func(ctx context.Context) error {
				if left(ctx) != want {
					t.Errorf("%s: %v, not %v", name, left(ctx), want)
				}
				ended <- struct{}{}
				return nil
			}, options...)
		}
		check("the group's", time.Hour)
		check("its own", time.Minute, creche.Timeout(time.Minute))
		check("the nearest", time.Hour, creche.Timeout(3*time.Hour))
		check("shielded", -1, creche.Shielded())
		check("shielded, its own", 2*time.Hour, creche.Shielded(), creche.Timeout(2*time.Hour))
		for i := 0; i < 5; i++ {
			creche.Blocked(ctx, func() { <-ended })
		}
		// Moved: contexts say what holds now.
		if err := g.SetTimeout(30 * time.Minute); err != nil || left(ctx) != 30*time.Minute {
			t.Error(err, left(ctx))
		}
		if err := creche.SetTimeout(ctx, 10*time.Minute); err != nil || left(ctx) != 10*time.Minute {
			t.Error(err, left(ctx))
		}
		if err := creche.SetTimeout(ctx, creche.NoTimeout); err != nil || left(ctx) != 30*time.Minute {
			t.Error(err, left(ctx))
		}
		if err := g.SetTimeout(creche.NoTimeout); err != nil || left(ctx) != -1 {
			t.Error(err, left(ctx))
		}
		foreign, cancel := context.WithDeadline(ctx, begin.Add(20*time.Minute+time.Hour))
		defer cancel()
		return creche.Scope(foreign, func(ctx context.Context) error {
			if left(ctx) != 80*time.Minute {
				t.Error(left(ctx))
			}
			return creche.SetTimeout(ctx, 2*time.Hour)
		})
	}, creche.Timeout(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
}

func TestCauseHasReasonAndText(t *testing.T) {
	_, ctx := virtual(t, 0)
	// cause is what the context of a child says, that sleeps while the rest happens.
	cause := func(cancel func(ctx context.Context, g *creche.Group) error, options ...creche.Option) (*creche.Error, error) {
		var cause, err error
		_ = creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
			g.Go(func(ctx context.Context) error {
				slept := creche.Sleep(ctx, time.Hour)
				<-ctx.Done()
				cause, err = context.Cause(ctx), ctx.Err()
				return slept
			})
			return cancel(ctx, g)
		}, options...)
		var e *creche.Error
		if !errors.As(cause, &e) {
			t.Fatalf("%v", cause)
		}
		return e, err
	}
	nothing := func(context.Context, *creche.Group) error { return nil }

	e, err := cause(func(_ context.Context, g *creche.Group) error { g.Cancel("enough"); return nil })
	if e.Reason != creche.ReasonExplicit || e.ReasonText != "enough" || err != context.Canceled {
		t.Error(e, e.ReasonText, err)
	}
	e, err = cause(nothing, creche.Timeout(time.Minute))
	if e.Reason != creche.ReasonDeadline || err != context.DeadlineExceeded || !errors.Is(e, context.DeadlineExceeded) {
		t.Error(e, err)
	}
	e, err = cause(func(context.Context, *creche.Group) error { return errBoom })
	if e.Reason != creche.ReasonSibling || err != context.Canceled {
		t.Error(e, err)
	}
	e, err = cause(func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error { return nil })
		return creche.Sleep(ctx, time.Hour)
	}, creche.Race)
	if e.Reason != creche.ReasonRace || err != context.Canceled {
		t.Error(e, err)
	}

	// Without an operation of the library the context hears of it, too.
	err = creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		g.Cancel("at once")
		creche.Blocked(ctx, func() { <-ctx.Done() })
		if !errors.As(context.Cause(ctx), &e) || e.Reason != creche.ReasonExplicit || e.ReasonText != "at once" {
			t.Error(context.Cause(ctx))
		}
		return ctx.Err()
	})
	if err != nil {
		t.Error(err)
	}
}

func TestShieldAtRunTimeAndState(t *testing.T) {
	l, ctx := virtual(t, 0)
	err := creche.Run(ctx, func(ctx context.Context, outer *creche.Group) error {
		return creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
			if err := g.SetShield(true); err != nil {
				t.Error(err)
			}
			outer.Cancel("outside")
			if err := creche.Sleep(ctx, time.Minute); err != nil {
				t.Error("the shield leaks:", err)
			}
			state, err := g.State()
			if err != nil || state.Effective || state.Called || !state.Shield || state.Live != 1 {
				t.Errorf("%+v %v", state, err)
			}
			if err := g.SetShield(false); err != nil {
				t.Error(err)
			}
			err = creche.Yield(ctx)
			var e *creche.Error
			if !errors.As(err, &e) || e.Status != creche.ErrCancelled || e.ReasonText != "outside" {
				t.Error(err)
			}
			if state, err = g.State(); err != nil || !state.Effective || state.Called || state.Reason != creche.ReasonExplicit {
				t.Errorf("%+v %v", state, err)
			}
			if own, err := creche.State(ctx); err != nil || !own.Effective || own.Shield {
				t.Errorf("%+v %v", own, err)
			}
			return err
		}, creche.Name("inner"))
	}, creche.Name("outer"))
	if err != nil {
		t.Fatal(err)
	}

	err = creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		text, err := l.DumpAs(creche.DumpJSON)
		var tree struct {
			Format int
			Nodes  []struct{ Kind, Name string }
		}
		if err != nil || json.Unmarshal([]byte(text), &tree) != nil || tree.Format != 1 || len(tree.Nodes) < 3 {
			t.Error(err, text)
		}
		if text, err = l.DumpAs(creche.DumpDOT); err != nil || !strings.HasPrefix(text, "digraph") {
			t.Error(err, text)
		}
		_, err = l.DumpAs(99)
		return err
	}, creche.Name("seen"))
	if !errors.Is(err, creche.ErrUnsupported) {
		t.Fatal(err)
	}
}
