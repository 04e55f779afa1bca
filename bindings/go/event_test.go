package creche_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"libcreche/creche"
)

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
