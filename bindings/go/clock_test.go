package creche_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"libcreche/creche"
)

// virtual opens a loop with a virtual clock and a context on it.
func virtual(t testing.TB, seed uint64) (*creche.Loop, context.Context) {
	t.Helper()
	l, err := creche.NewLoop(&creche.LoopOptions{Virtual: true, Seed: seed, Name: "virtual"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(10 * time.Second); err != nil {
			t.Error(err)
		}
	})
	return l, l.Context(context.Background())
}

// An hour of timeouts and sleeps: what happened, and when.
func hour(t *testing.T, seed uint64) string {
	l, ctx := virtual(t, seed)
	begin := l.Now()
	var log strings.Builder // goroutines write to it at different points in time, one after the other
	note := func(what string, err error) {
		fmt.Fprintf(&log, "%v %s %v\n", l.Now().Sub(begin), what, err)
	}
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		for i := 10; i > 0; i-- {
			g.Go(func(ctx context.Context) error {
				err := creche.Sleep(ctx, time.Duration(i)*5*time.Minute)
				note(fmt.Sprint("sleep ", i), err)
				return err
			})
		}
		g.Go(func(ctx context.Context) error {
			err := creche.Scope(ctx, func(ctx context.Context) error {
				return creche.Sleep(ctx, time.Hour)
			}, creche.Timeout(12*time.Minute), creche.MoveOn())
			note("moved on", err)
			return creche.Yield(ctx)
		})
		g.Go(func(ctx context.Context) error {
			err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
				g.Go(func(ctx context.Context) error {
					err := creche.Sleep(ctx, time.Hour)
					note("cut", errors.Unwrap(err))
					return err
				})
				return nil
			}, creche.Timeout(33*time.Minute))
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			note("inner", creche.Sleep(ctx, time.Second))
			return nil
		})
		note("body", creche.Sleep(ctx, time.Hour))
		return nil
	}, creche.Timeout(2*time.Hour))
	note("end", err)
	return log.String()
}

func TestVirtualClockPassesAnHourInNoTime(t *testing.T) {
	began := time.Now()
	first := hour(t, 0)
	for i := 1; i < 100; i++ {
		if again := hour(t, uint64(i)); again != first {
			t.Fatalf("run %d:\n%s\nthe first:\n%s", i, again, first)
		}
	}
	if strings.Count(first, "\n") != 15 || !strings.HasSuffix(first, "1h0m0s body <nil>\n1h0m0s end <nil>\n") ||
		!strings.Contains(first, "10m0s sleep 2 <nil>\n12m0s moved on <nil>\n15m0s sleep 3 <nil>\n") ||
		!strings.Contains(first, "33m0s cut <nil>\n33m1s inner <nil>\n35m0s sleep 7 <nil>\n") {
		t.Fatal(first)
	}
	if took := time.Since(began); took > 50*time.Minute {
		t.Fatal(took)
	}
}

// Goroutines that run hold the clock: it is the same before and after what they do, however long that
// takes, and whoever wakes whom.
func TestVirtualClockStandsStillWhileAnybodyRuns(t *testing.T) {
	l, ctx := virtual(t, 7)
	begin := l.Now()
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		for i := 1; i <= 20; i++ {
			g.Go(func(ctx context.Context) error {
				for turn := 1; turn <= 20; turn++ {
					if err := creche.Sleep(ctx, time.Duration(i)*time.Second); err != nil {
						return err
					}
					if i == 1 && turn < 4 {
						time.Sleep(2 * time.Millisecond)
					}
					if at := l.Now().Sub(begin); at != time.Duration(i*turn)*time.Second {
						return fmt.Errorf("%d woke at %v in turn %d", i, at, turn)
					}
				}
				return nil
			})
		}
		return nil
	})
	if err != nil || l.Now().Sub(begin) != 400*time.Second {
		t.Fatal(err, l.Now().Sub(begin))
	}
}

func TestVirtualClockHoldBlockedAdvance(t *testing.T) {
	l, ctx := virtual(t, 0)
	begin := l.Now()
	release := l.Hold()
	woke := make(chan error, 1)
	go func() { woke <- creche.Sleep(ctx, time.Hour) }()
	for dump := ""; !strings.Contains(dump, "sleep"); dump, _ = l.Dump() {
		time.Sleep(100 * time.Microsecond)
	}
	select {
	case <-woke:
		t.Fatal("the clock jumped")
	case <-time.After(20 * time.Millisecond):
	}
	if err := l.Advance(59 * time.Minute); err != nil || l.Now().Sub(begin) != 59*time.Minute {
		t.Fatal(err, l.Now())
	}
	release()
	if err := <-woke; err != nil || l.Now().Sub(begin) != time.Hour {
		t.Fatal(err, l.Now())
	}

	news := make(chan int, 1)
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			err := creche.Sleep(ctx, time.Hour)
			news <- 1
			return err
		})
		creche.Blocked(ctx, func() { <-news })
		return nil
	}, creche.Timeout(2*time.Hour))
	if err != nil || l.Now().Sub(begin) != 2*time.Hour {
		t.Fatal(err, l.Now())
	}

	real, err := creche.NewLoop(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close(10 * time.Second)
	real.Hold()()
	if err := real.Advance(time.Hour); !errors.Is(err, creche.ErrState) {
		t.Fatal(err)
	}
}

// Who is woken by one that lets go of the clock has its own hold back before the clock jumps.
func TestVirtualClockWaitsForWhoWasWoken(t *testing.T) {
	l, ctx := virtual(t, 0)
	begin := l.Now()
	const rounds = 300
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error { return creche.Sleep(ctx, rounds*time.Hour) }) // to jump to
		balls := make([]chan int, 3)
		for i := range balls {
			balls[i] = make(chan int)
		}
		for i := range balls {
			g.Go(func(ctx context.Context) error {
				for round := 0; round < rounds; round++ {
					var at int
					creche.Blocked(ctx, func() {
						select {
						case at = <-balls[i]:
						case <-ctx.Done():
						}
					})
					if ctx.Err() != nil {
						return ctx.Err()
					}
					if now := l.Now().Sub(begin); now != time.Duration(at)*time.Hour {
						return fmt.Errorf("the ball of hour %d came to %d after %v", at, i, now)
					}
					next := (i + 1) % len(balls)
					if next == 0 {
						if err := creche.Sleep(ctx, time.Hour); err != nil {
							return err
						}
						at++
					}
					if at < rounds {
						creche.Blocked(ctx, func() {
							select {
							case balls[next] <- at:
							case <-ctx.Done():
							}
						})
					}
				}
				return nil
			})
		}
		creche.Blocked(ctx, func() { balls[0] <- 0 })
		return nil
	})
	if err != nil || l.Now().Sub(begin) != rounds*time.Hour {
		t.Fatal(err, l.Now().Sub(begin))
	}
}

// What waits for the world outside comes in real time: the clock stands still until then.
func TestVirtualClockStandsStillForTheWorld(t *testing.T) {
	l, ctx := virtual(t, 0)
	begin := l.Now()
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error { return creche.Sleep(ctx, time.Hour) })
		creche.Blocked(ctx, func() { time.Sleep(30 * time.Millisecond) })
		if now := l.Now().Sub(begin); now != 0 {
			return fmt.Errorf("it jumped to %v", now)
		}
		return nil
	})
	if err != nil || l.Now().Sub(begin) != time.Hour {
		t.Fatal(err, l.Now().Sub(begin))
	}
}
