package creche_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"libcreche/creche"
)

func TestStart(t *testing.T) {
	l, ctx := virtual(t, 0)
	begin := l.Now()
	ended := false
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		port, err := creche.Start(ctx, g, func(ctx context.Context, started func(int) error) error {
			if err := creche.Sleep(ctx, time.Minute); err != nil {
				return err
			}
			if err := started(8080); err != nil {
				return err
			}
			if err := started(1); !errors.Is(err, creche.ErrState) {
				t.Error("started twice:", err)
			}
			err := creche.Sleep(ctx, time.Hour)
			ended = true
			return err
		}, creche.Name("server"))
		if err != nil || port != 8080 || l.Now().Sub(begin) != time.Minute || ended {
			t.Error(err, port, l.Now().Sub(begin))
		}
		return nil
	})
	if err != nil || !ended || l.Now().Sub(begin) != 61*time.Minute {
		t.Fatal(err, ended, l.Now().Sub(begin))
	}
}

// The failure of a child that has not started is Start's; after that it is the group's.
func TestStartFailures(t *testing.T) {
	_, ctx := virtual(t, 0)
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		value, err := creche.Start(ctx, g, func(ctx context.Context, started func(int) error) error { return errBoom })
		if err != errBoom || value != 0 {
			t.Error(err)
		}
		_, err = creche.Start(ctx, g, func(ctx context.Context, started func(int) error) error { return nil })
		if !errors.Is(err, creche.ErrNotStarted) {
			t.Error(err)
		}
		func() {
			defer func() {
				if p, ok := recover().(*creche.PanicError); !ok || p.Value != "burst" {
					t.Error(p)
				}
			}()
			creche.Start(ctx, g, func(ctx context.Context, started func(int) error) error { panic("burst") })
		}()
		if len(g.Errors()) != 0 || ctx.Err() != nil {
			t.Error(g.Errors(), ctx.Err())
		}
		return creche.Sleep(ctx, time.Second)
	})
	if err != nil {
		t.Fatal(err)
	}

	err = creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		_, err := creche.Start(ctx, g, func(ctx context.Context, started func(int) error) error {
			if err := started(1); err != nil {
				return err
			}
			return errBoom
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		return creche.Sleep(ctx, time.Hour)
	})
	var e *creche.Error
	if !errors.As(err, &e) || e.Status != creche.ErrGroup || len(e.Children) != 1 || e.Children[0] != errBoom {
		t.Fatal(err)
	}
}

// Cancelling either side cancels a child that has not started.
func TestStartCancelled(t *testing.T) {
	_, ctx := virtual(t, 0)
	var seen *creche.Error
	slow := func(ctx context.Context, started func(int) error) error {
		err := creche.Sleep(ctx, time.Hour)
		if !errors.As(context.Cause(ctx), &seen) {
			t.Error(context.Cause(ctx))
		}
		if late := started(1); !errors.Is(late, creche.ErrCancelled) {
			t.Error(late)
		}
		return err
	}
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		// The starter.
		err := creche.Scope(ctx, func(ctx context.Context) error {
			_, err := creche.Start(ctx, g, slow)
			return err
		}, creche.Timeout(time.Minute))
		if !errors.Is(err, creche.ErrTimeout) || seen == nil || seen.Reason != creche.ReasonDeadline {
			t.Error(err, seen)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// The group that it would have moved to: it may go on to start there, but need not.
	seen = nil
	err = creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		return creche.Run(ctx, func(ctx context.Context, target *creche.Group) error {
			g.Go(func(ctx context.Context) error {
				_, err := creche.Start(ctx, target, func(ctx context.Context, started func(int) error) error {
					err := creche.Sleep(ctx, time.Hour)
					if !errors.As(context.Cause(ctx), &seen) {
						t.Error(context.Cause(ctx))
					}
					return err
				})
				var e *creche.Error
				if !errors.As(err, &e) || e.Status != creche.ErrCancelled || e.ReasonText != "closing" || ctx.Err() != nil {
					t.Error(err, ctx.Err())
				}
				return nil
			})
			err := creche.Sleep(ctx, time.Minute)
			target.Cancel("closing")
			return err
		})
	})
	if err != nil || seen == nil || seen.ReasonText != "closing" {
		t.Fatal(err, seen)
	}
}
