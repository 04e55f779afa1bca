package creche_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"libcreche/creche"
)

func rate(t testing.TB, l *creche.Loop, permits, burst int) *creche.Rate {
	r := must(creche.NewRate(permits, time.Second, &creche.RateOptions{Loop: l, Burst: burst, Name: "polite"}))
	t.Cleanup(r.Close)
	return r
}

func TestPermitsComeAtExactTimes(t *testing.T) {
	l, ctx := virtual(t, 0)
	begin := l.Now()
	polite := rate(t, l, 10, 3)
	times := make([]time.Duration, 8)
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		for i := range times {
			g.Go(func(ctx context.Context) error {
				// In this order, whatever Go's scheduler does.
				if err := creche.Sleep(ctx, time.Duration(i)); err != nil {
					return err
				}
				err := polite.Acquire(ctx, 1)
				times[i] = l.Now().Sub(begin)
				return err
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range times {
		want := time.Duration(i)
		if i >= 3 {
			want = time.Duration(i-2) * 100 * time.Millisecond
		}
		if at != want {
			t.Errorf("permit %d came at %v, not %v", i, at, want)
		}
	}
	creche.Sleep(ctx, time.Second)
	if state := must(polite.State()); state.Available != 3 || state.Waiting != 0 || state.Paused {
		t.Errorf("%+v", state)
	}
	if err := polite.TryAcquire(3); err != nil {
		t.Error(err)
	}
	is(t, polite.TryAcquire(1), creche.ErrLimit)
	if next := must(polite.State()).Next; !next.Equal(l.Now().Add(100 * time.Millisecond)) {
		t.Error(next)
	}
}

func TestManyPermitsAreNotOvertakenAndMayBeGivenUp(t *testing.T) {
	l, ctx := virtual(t, 0)
	begin := l.Now()
	slow := rate(t, l, 1, 5)
	ok(t, slow.TryAcquire(5))
	var many, one, late time.Duration
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			err := slow.Acquire(ctx, 4)
			many = l.Now().Sub(begin)
			return err
		})
		g.Go(func(ctx context.Context) error {
			creche.Sleep(ctx, time.Millisecond)
			is(t, slow.TryAcquire(1), creche.ErrLimit)
			err := slow.Acquire(ctx, 1)
			one = l.Now().Sub(begin)
			return err
		})
		return nil
	})
	if err != nil || many != 4*time.Second || one != 5*time.Second {
		t.Errorf("%v %v %v", err, many, one)
	}
	err = creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			return creche.Scope(ctx, func(ctx context.Context) error {
				return slow.Acquire(ctx, 5)
			}, creche.Timeout(2*time.Second), creche.MoveOn())
		})
		g.Go(func(ctx context.Context) error {
			creche.Sleep(ctx, time.Millisecond)
			err := slow.Acquire(ctx, 3)
			late = l.Now().Sub(begin)
			return err
		})
		return nil
	})
	if err != nil || late != 8*time.Second {
		t.Errorf("%v %v", err, late)
	}
}

func TestRatePauses(t *testing.T) {
	l, ctx := virtual(t, 0)
	begin := l.Now()
	polite := rate(t, l, 2, 0)
	at := func(want time.Duration) {
		t.Helper()
		if got := l.Now().Sub(begin); got != want {
			t.Errorf("at %v, not %v", got, want)
		}
	}
	ok(t, polite.Pause(30*time.Second))
	ok(t, polite.Pause(10*time.Second))
	if state := must(polite.State()); !state.Paused || state.PausedUntil.Sub(begin) != 30*time.Second {
		t.Errorf("%+v", state)
	}
	is(t, polite.TryAcquire(1), creche.ErrLimit)
	ok(t, polite.Acquire(ctx, 1))
	at(30 * time.Second)
	ok(t, polite.PauseUntil(begin.Add(time.Minute)))
	ok(t, polite.Acquire(ctx, 2))
	at(time.Minute)

	ok(t, polite.Pause(creche.NoTimeout))
	got := make(chan error, 1)
	go func() { got <- polite.Acquire(ctx, 1) }()
	eventually(t, func() bool { return must(polite.State()).Waiting == 1 })
	if state := must(polite.State()); !state.Paused || !state.PausedUntil.IsZero() || !state.Next.IsZero() {
		t.Errorf("%+v", state)
	}
	creche.Sleep(ctx, time.Hour)
	ok(t, polite.Resume())
	ok(t, <-got)
	at(time.Hour + time.Minute)
	if state := must(polite.State()); state.Paused {
		t.Errorf("%+v", state)
	}
}

func TestMisuseOfRates(t *testing.T) {
	l, ctx := virtual(t, 0)
	polite := rate(t, l, 1, 2)
	for _, permits := range []int{-1, 0, 3, 1<<32 + 1} {
		is(t, polite.TryAcquire(permits), creche.ErrInvalid)
		is(t, polite.Acquire(ctx, permits), creche.ErrInvalid)
	}
	_, err := creche.NewRate(0, time.Second, nil)
	is(t, err, creche.ErrInvalid)
	_, err = creche.NewRate(1, 0, nil)
	is(t, err, creche.ErrInvalid)

	ok(t, polite.Pause(creche.NoTimeout))
	failed := make(chan error)
	go func() { failed <- polite.Acquire(ctx, 1) }()
	eventually(t, func() bool { return must(polite.State()).Waiting == 1 })
	polite.Close()
	is(t, <-failed, creche.ErrClosed)
	is(t, polite.Resume(), creche.ErrEnded)

	ended(t, func(l *creche.Loop) { polite = rate(t, l, 1, 1) })
	is(t, polite.TryAcquire(1), creche.ErrEnded)
	is(t, polite.Acquire(context.Background(), 1), creche.ErrEnded)
	if err := polite.Pause(time.Second); !errors.Is(err, creche.ErrEnded) {
		t.Error(err)
	}
	_, err = polite.State()
	is(t, err, creche.ErrEnded)
}
