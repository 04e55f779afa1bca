package creche_test

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libcreche/creche"
)

// eventually waits until something is so.
func eventually(t testing.TB, what func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !what(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("it has not become so in 20 s")
		}
	}
}

// must is for what cannot fail here.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// ok fails the test if there is an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// is fails the test if err is not status.
func is(t testing.TB, err error, status creche.Status) {
	t.Helper()
	var e *creche.Error
	if !errors.As(err, &e) || e.Status != status {
		t.Errorf("%v, not %v", err, status)
	}
}

// ended is a loop that is no more.
func ended(t testing.TB, use func(l *creche.Loop)) {
	t.Helper()
	l := must(creche.NewLoop(nil))
	use(l)
	if err := l.Close(10 * time.Second); err != nil {
		t.Fatal(err)
	}
}

func limiter(t testing.TB, l *creche.Loop, total int) *creche.Limiter {
	doors := must(creche.NewLimiter(total, &creche.LimiterOptions{Loop: l, Name: "doors"}))
	t.Cleanup(doors.Close)
	return doors
}

// waiting waits until so many wait for a token, and checks how many are out.
func waiting(t testing.TB, doors *creche.Limiter, borrowed, waiting int) {
	t.Helper()
	eventually(t, func() bool { return must(doors.State()).Waiting == waiting })
	if now := must(doors.State()).Borrowed; now != borrowed {
		t.Errorf("%d are out, not %d", now, borrowed)
	}
}

func TestTokensGoToWhoComesFirst(t *testing.T) {
	l, ctx := virtual(t, 0)
	doors := limiter(t, l, 1)
	token := must(doors.TryAcquire(ctx))
	tokens := make(chan *creche.Token)
	var order []int
	for i := range 3 {
		go func() {
			got := must(doors.Acquire(ctx))
			order = append(order, i) // one at a time: the others wait for the token
			tokens <- got
		}()
		waiting(t, doors, 1, i+1)
	}
	for i := range 3 {
		token.Release()
		// It was handed over: nobody overtakes.
		_, err := doors.TryAcquire(ctx)
		is(t, err, creche.ErrLimit)
		waiting(t, doors, 1, 2-i)
		token = <-tokens
	}
	token.Release()
	token.Release()
	waiting(t, doors, 0, 0)
	if !reflect.DeepEqual(order, []int{0, 1, 2}) {
		t.Error(order)
	}
}

func TestLimiterChangesItsSize(t *testing.T) {
	l, ctx := virtual(t, 0)
	doors := limiter(t, l, 0)
	tokens := make(chan *creche.Token, 4)
	for range 4 {
		go func() { tokens <- must(doors.Acquire(ctx)) }()
	}
	waiting(t, doors, 0, 4)
	if err := doors.SetTotal(3); err != nil {
		t.Fatal(err)
	}
	waiting(t, doors, 3, 1)
	doors.SetTotal(1)
	(<-tokens).Release()
	(<-tokens).Release()
	waiting(t, doors, 1, 1)
	(<-tokens).Release()
	(<-tokens).Release()
	waiting(t, doors, 0, 0)
	if total := must(doors.State()).Total; total != 1 {
		t.Error(total)
	}
}

func TestNoTokenIsLostByCancelling(t *testing.T) {
	l := must(creche.NewLoop(nil))
	defer l.Close(10 * time.Second)
	doors := limiter(t, l, 1)
	ctx := l.Context(context.Background())
	token := must(doors.TryAcquire(ctx))
	var all sync.WaitGroup
	first, cancel := context.WithCancel(ctx)
	all.Add(1)
	go func() {
		defer all.Done()
		_, err := doors.Acquire(first)
		if is(t, err, creche.ErrCancelled); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	waiting(t, doors, 1, 1)
	cancel()
	all.Wait()
	waiting(t, doors, 1, 0)
	token.Release()
	// A cancellation and a token that come together.
	for i := range 300 {
		token := must(doors.Acquire(ctx))
		first, cancel := context.WithCancel(ctx)
		all.Add(2)
		for _, with := range []context.Context{first, ctx} {
			go func() {
				defer all.Done()
				if token, err := doors.Acquire(with); err == nil {
					token.Release()
				} else if with == ctx {
					t.Error(err)
				}
			}()
		}
		waiting(t, doors, 1, 2)
		if i%2 == 0 {
			go cancel()
			token.Release()
		} else {
			go token.Release()
			cancel()
		}
		all.Wait()
		cancel()
		waiting(t, doors, 0, 0)
	}
}

func TestLimiterBoundsAGroup(t *testing.T) {
	l, ctx := virtual(t, 0)
	begin := l.Now()
	doors := limiter(t, l, 2)
	var inside, most atomic.Int32
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		for range 10 {
			g.Go(func(ctx context.Context) error {
				token, err := doors.Acquire(ctx)
				if err != nil {
					return err
				}
				defer token.Release()
				if now := inside.Add(1); now > most.Load() {
					most.Store(now)
				}
				defer inside.Add(-1)
				return creche.Sleep(ctx, time.Second)
			})
		}
		return nil
	})
	if took := l.Now().Sub(begin); err != nil || most.Load() != 2 || took != 5*time.Second {
		t.Errorf("%v, %d at a time, %v", err, most.Load(), took)
	}
}

func TestTokenIsItsTasksUnlessItMoves(t *testing.T) {
	l, ctx := virtual(t, 0)
	doors := limiter(t, l, 2)
	err := creche.Run(ctx, func(outer context.Context, g *creche.Group) error {
		err := creche.Scope(outer, func(ctx context.Context) error {
			must(doors.Acquire(ctx))
			return must(doors.Acquire(ctx)).Move(outer)
		})
		waiting(t, doors, 1, 0)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	waiting(t, doors, 0, 0)
}

func TestMisuseOfLimiters(t *testing.T) {
	l, ctx := virtual(t, 0)
	doors := limiter(t, l, 3)
	token := must(doors.AcquireFor(ctx, 7))
	_, err := doors.TryAcquireFor(ctx, 7)
	is(t, err, creche.ErrState)
	_, err = doors.AcquireFor(ctx, 7)
	is(t, err, creche.ErrState)
	token.Release()
	must(doors.TryAcquireFor(ctx, 7)).Release()
	is(t, token.Move(ctx), creche.ErrEnded)
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err = doors.Acquire(over)
	is(t, err, creche.ErrCancelled)

	doors.SetTotal(-1)
	failed := make(chan error)
	go func() {
		_, err := doors.Acquire(ctx)
		failed <- err
	}()
	waiting(t, doors, 0, 1)
	doors.Close()
	is(t, <-failed, creche.ErrClosed)
	_, err = doors.Acquire(ctx)
	is(t, err, creche.ErrEnded)

	ended(t, func(l *creche.Loop) { doors = limiter(t, l, 1) })
	_, err = doors.TryAcquire(context.Background())
	is(t, err, creche.ErrEnded)
	_, err = doors.State()
	is(t, err, creche.ErrEnded)
	is(t, doors.SetTotal(2), creche.ErrEnded)
}

// ---- Rate limiters ----

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

// ---- Events ----

func event(t testing.TB, l *creche.Loop) *creche.Event {
	e := must(creche.NewEvent(&creche.EventOptions{Loop: l, Name: "ready"}))
	t.Cleanup(e.Close)
	return e
}

func TestEventWakesAll(t *testing.T) {
	l, ctx := virtual(t, 0)
	begin := l.Now()
	ready := event(t, l)
	var woken atomic.Int32
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		for range 100 {
			g.Go(func(ctx context.Context) error {
				err := ready.Wait(ctx)
				if l.Now().Sub(begin) == time.Minute {
					woken.Add(1)
				}
				return err
			})
		}
		creche.Sleep(ctx, time.Minute)
		if ready.IsSet() {
			t.Error("set")
		}
		ok(t, ready.Set())
		return ready.Set()
	})
	if err != nil || woken.Load() != 100 || !ready.IsSet() {
		t.Error(err, woken.Load(), ready.IsSet())
	}
	ok(t, ready.Wait(ctx))
}

func TestWaitForAnEventIsCancelled(t *testing.T) {
	l, ctx := virtual(t, 0)
	ready := event(t, l)
	err := creche.Scope(ctx, ready.Wait, creche.Timeout(time.Hour))
	if is(t, err, creche.ErrTimeout); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	with, cancel := context.WithCancelCause(ctx)
	failed := make(chan error)
	go func() { failed <- ready.Wait(with) }()
	cancel(errBoom)
	if err := <-failed; !errors.Is(err, context.Canceled) || !errors.Is(err, errBoom) {
		t.Error(err)
	}
	// Cancelling and setting at the same time: one of the two.
	for range 200 {
		ready := event(t, l)
		with, cancel := context.WithCancel(ctx)
		go func() { failed <- ready.Wait(with) }()
		go cancel()
		ok(t, ready.Set())
		if err := <-failed; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		ready.Close()
	}
}

func TestMisuseOfEvents(t *testing.T) {
	l, ctx := virtual(t, 0)
	ready := event(t, l)
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			is(t, ready.Wait(ctx), creche.ErrClosed)
			return nil
		})
		creche.Sleep(ctx, time.Second)
		ready.Close()
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	is(t, ready.Set(), creche.ErrEnded)
	is(t, ready.Wait(ctx), creche.ErrEnded)
	if ready.IsSet() {
		t.Error("set")
	}
	ended(t, func(l *creche.Loop) { ready = event(t, l) })
	is(t, ready.Set(), creche.ErrEnded)
	is(t, ready.Wait(context.Background()), creche.ErrEnded)
}
