package creche_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"libcreche/creche"
)

func TestAnyTextIsAReason(t *testing.T) {
	for _, text := range []string{"\xff\xfe", "a\x00b", strings.Repeat("x", 1<<20), ""} {
		within(t, func() {
			ctx, cancel := context.WithCancelCause(context.Background())
			err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
				cancel(errors.New(text))
				return creche.Sleep(ctx, time.Hour)
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			err = creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
				g.Cancel(text)
				return creche.Sleep(ctx, time.Hour)
			})
			if err != nil {
				t.Errorf("%v", err)
			}
			err = creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
				return errors.New(text)
			})
			if !errors.Is(err, creche.ErrGroup) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Values, AfterFunc and contexts made from contexts, through a Scope.
func TestContextsOfContexts(t *testing.T) {
	type key struct{}
	within(t, func() {
		base := context.WithValue(context.Background(), key{}, "v")
		var fired, fired2 = make(chan error, 1), make(chan error, 1)
		err := creche.Run(base, func(ctx context.Context, g *creche.Group) error {
			g.Go(func(ctx context.Context) error {
				if ctx.Value(key{}) != "v" {
					t.Error("no value")
				}
				child, cancel := context.WithTimeoutCause(ctx, time.Hour, errors.New("mine"))
				defer cancel()
				g2, c2 := context.WithCancel(child)
				defer c2()
				context.AfterFunc(g2, func() { fired <- context.Cause(g2) })
				stop := context.AfterFunc(ctx, func() { t.Error("stopped one ran") })
				if !stop() || stop() {
					t.Error("stop")
				}
				context.AfterFunc(ctx, func() { fired2 <- context.Cause(ctx) })
				creche.Scope(g2, func(ctx context.Context) error {
					g.Cancel("why")
					err := creche.Sleep(ctx, time.Hour)
					<-ctx.Done()
					var e *creche.Error
					if c := context.Cause(ctx); !errors.As(c, &e) || e.ReasonText != "why" {
						t.Errorf("%v", c)
					}
					return err
				})
				<-g2.Done()
				return g2.Err()
			})
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		for _, f := range []chan error{fired, fired2} {
			var e *creche.Error
			if c := <-f; !errors.As(c, &e) || e.ReasonText != "why" {
				t.Errorf("%v", c)
			}
		}
	})
}

// What a context between two scopes was cancelled with is told by all that was started with it.
func TestCauseOfAContextInBetween(t *testing.T) {
	within(t, func() {
		cause := errors.New("cause")
		err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
			child, cancel := context.WithCancelCause(ctx)
			cancel(cause)
			if err := creche.Sleep(child, time.Hour); !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			err := creche.Run(child, func(ctx context.Context, g *creche.Group) error {
				<-ctx.Done()
				return context.Cause(ctx)
			})
			if !errors.Is(err, cause) {
				t.Error(err)
			}
			err = creche.Scope(child, func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			})
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if ctx.Err() != nil {
				t.Error("outer cancelled")
			}
			_, err = creche.Start(child, g, func(ctx context.Context, started func(int) error) error { return started(1) })
			if !errors.Is(err, cause) {
				t.Error(err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestScopesDeadlineIsTheNearest(t *testing.T) {
	within(t, func() {
		l, _ := creche.NewLoop(&creche.LoopOptions{Virtual: true})
		defer l.Close(time.Second)
		begin := l.Now()
		err := creche.Run(l.Context(context.Background()), func(ctx context.Context, g *creche.Group) error {
			g.Go(func(ctx context.Context) error {
				return creche.Scope(ctx, func(ctx context.Context) error {
					d, ok := ctx.Deadline()
					if !ok || d.Sub(begin) != time.Hour {
						t.Error(d, ok)
					}
					creche.Sleep(ctx, 5*time.Hour)
					<-ctx.Done()
					var e *creche.Error
					if ctx.Err() != context.DeadlineExceeded || !errors.As(context.Cause(ctx), &e) || e.Reason != creche.ReasonDeadline {
						t.Error(context.Cause(ctx))
					}
					return ctx.Err()
				}, creche.Timeout(2*time.Hour))
			})
			return creche.Sleep(ctx, 3*time.Hour)
		}, creche.Timeout(time.Hour))
		if !errors.Is(err, creche.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}
