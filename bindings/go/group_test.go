package creche_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libcreche/creche"
)

var errBoom = errors.New("boom")

func TestRunReturnsWhenAllChildrenHave(t *testing.T) {
	var ended atomic.Int32
	err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		for i := 0; i < 10; i++ {
			g.Go(func(ctx context.Context) error {
				err := creche.Sleep(ctx, time.Duration(i)*time.Millisecond)
				ended.Add(1)
				return err
			})
		}
		return nil
	})
	if err != nil || ended.Load() != 10 {
		t.Fatalf("%v, %d children", err, ended.Load())
	}
}

func TestFailFast(t *testing.T) {
	var cause error
	var cancelled atomic.Int32
	err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			err := creche.Sleep(ctx, time.Hour)
			if errors.Is(err, context.Canceled) && ctx.Err() == context.Canceled {
				cancelled.Add(1)
			}
			cause = context.Cause(ctx)
			return err
		})
		g.Go(func(ctx context.Context) error {
			<-ctx.Done()
			cancelled.Add(1)
			return ctx.Err()
		})
		g.Go(func(ctx context.Context) error { return fmt.Errorf("a child: %w", errBoom) })
		return nil
	})
	var e *creche.Error
	if !errors.As(err, &e) || e.Status != creche.ErrGroup || len(e.Children) != 1 || !errors.Is(err, errBoom) {
		t.Fatalf("%v", err)
	}
	if cancelled.Load() != 2 {
		t.Errorf("%d siblings were cancelled", cancelled.Load())
	}
	if !errors.As(cause, &e) || e.Reason != creche.ReasonSibling {
		t.Errorf("cause: %v", cause)
	}
	if errors.Is(err, context.Canceled) {
		t.Error("a failure is not a cancellation")
	}
}

func TestBodyFailureCancelsChildren(t *testing.T) {
	err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error { return creche.Sleep(ctx, time.Hour) })
		return errBoom
	})
	if !errors.Is(err, errBoom) {
		t.Fatal(err)
	}
}

func TestCollect(t *testing.T) {
	var g *creche.Group
	err := creche.Run(context.Background(), func(ctx context.Context, group *creche.Group) error {
		g = group
		for i := 0; i < 6; i++ {
			g.Go(func(ctx context.Context) error {
				if i%2 == 0 {
					return fmt.Errorf("%d: %w", i, errBoom)
				}
				return creche.Sleep(ctx, time.Millisecond)
			})
		}
		return nil
	}, creche.Collect)
	if err != nil || len(g.Errors()) != 3 || !errors.Is(g.Errors()[0], errBoom) {
		t.Fatalf("%v, %v", err, g.Errors())
	}
}

func TestRace(t *testing.T) {
	slow := func(ctx context.Context) (string, error) { return "slow", creche.Sleep(ctx, time.Hour) }
	bad := func(ctx context.Context) (string, error) { return "", errBoom }
	good := func(ctx context.Context) (string, error) { return "good", creche.Sleep(ctx, time.Millisecond) }
	type list = []func(context.Context) (string, error)
	result, err := creche.First(context.Background(), list{slow, bad, good})
	if err != nil || result != "good" {
		t.Fatalf("%q, %v", result, err)
	}
	_, err = creche.First(context.Background(), list{bad, bad})
	var e *creche.Error
	if !errors.As(err, &e) || len(e.Children) != 2 {
		t.Fatalf("nobody won: %v", err)
	}
}

func TestLimit(t *testing.T) {
	var now, most atomic.Int32
	inputs := make([]int, 40)
	_, err := creche.Map(context.Background(), inputs, func(ctx context.Context, _ int) (int, error) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		defer now.Add(-1)
		return 0, creche.Sleep(ctx, time.Millisecond)
	}, creche.Limit(3))
	if err != nil || most.Load() != 3 {
		t.Fatalf("%v, %d at a time", err, most.Load())
	}
}

func TestTimeout(t *testing.T) {
	var inner error
	var left time.Duration
	start := time.Now()
	err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			deadline, ok := ctx.Deadline()
			if !ok {
				return errBoom
			}
			left = time.Until(deadline)
			creche.Sleep(ctx, time.Hour)
			inner = ctx.Err()
			return inner
		})
		return nil
	}, creche.Timeout(20*time.Millisecond))
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, creche.ErrTimeout) {
		t.Fatal(err)
	}
	if inner != context.DeadlineExceeded || left > 20*time.Millisecond || time.Since(start) < 20*time.Millisecond {
		t.Fatalf("%v, %v", inner, left)
	}
	if err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		return creche.Sleep(ctx, time.Hour)
	}, creche.Timeout(time.Millisecond), creche.MoveOn()); err != nil {
		t.Fatalf("move on: %v", err)
	}
}

func TestGoAfterTheEnd(t *testing.T) {
	var g *creche.Group
	var leaked context.Context
	creche.Run(context.Background(), func(ctx context.Context, group *creche.Group) error {
		g, leaked = group, ctx
		return nil
	})
	if leaked.Err() == nil {
		t.Error("the context of a group that has ended goes on")
	}
	if err := creche.Sleep(leaked, 0); !errors.Is(err, creche.ErrEnded) {
		t.Errorf("a step of a task that has ended: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	g.Go(func(context.Context) error { return nil })
}

func TestManyGoroutines(t *testing.T) {
	const groups, children, steps = 20, 50, 20
	var wait sync.WaitGroup
	var done atomic.Int64
	for i := 0; i < groups; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
				for i := 0; i < children; i++ {
					g.Go(func(ctx context.Context) error {
						for i := 0; i < steps; i++ {
							if err := creche.Sleep(ctx, time.Duration(i%3)); err != nil {
								return err
							}
							done.Add(1)
						}
						return nil
					})
				}
				return nil
			}, creche.Limit(10))
			if err != nil {
				t.Error(err)
			}
		}()
	}
	wait.Wait()
	if done.Load() != groups*children*steps {
		t.Fatal(done.Load())
	}
}

// Each sleep is cancelled at another moment; each ends exactly once, in one of the two ways.
func TestCancelAtEveryMoment(t *testing.T) {
	for i := 0; i < 2000; i++ {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			for n := 0; n < i; n++ {
				runtime.Gosched()
			}
			cancel()
		}()
		if err := creche.Sleep(ctx, time.Duration(i)*100); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
}

func TestBusyPoll(t *testing.T) {
	if _, err := creche.NewLoop(&creche.LoopOptions{BusyPoll: -1}); !errors.Is(err, creche.ErrInvalid) {
		t.Fatal(err)
	}
	l, err := creche.NewLoop(&creche.LoopOptions{BusyPoll: 50 * time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 10; i++ {
		if err := creche.Sleep(l.Context(context.Background()), time.Duration(i)*20*time.Microsecond); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(5 * time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestOwnLoop(t *testing.T) {
	l, err := creche.NewLoop(&creche.LoopOptions{Name: "own"})
	if err != nil {
		t.Fatal(err)
	}
	running := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		running <- creche.Run(l.Context(context.Background()), func(ctx context.Context, g *creche.Group) error {
			g.Go(func(ctx context.Context) error {
				close(started)
				return creche.Sleep(ctx, time.Hour)
			}, creche.Name("sleeper"))
			return nil
		})
	}()
	<-started
	if dump, err := l.Dump(); err != nil || !strings.Contains(dump, "sleeper") {
		t.Errorf("%v\n%s", err, dump)
	}
	if err := l.Close(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	var e *creche.Error
	if err := <-running; !errors.As(err, &e) || e.Reason != creche.ReasonShutdown {
		t.Fatalf("%v", err)
	}
	if err := creche.Sleep(l.Context(context.Background()), 0); !errors.Is(err, creche.ErrEnded) {
		t.Fatal(err)
	}
}
