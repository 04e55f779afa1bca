package creche_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libcreche/creche"
)

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
