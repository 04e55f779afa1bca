package creche_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"libcreche/creche"
)

func TestHooksTellLivesInTheirOrder(t *testing.T) {
	var lock sync.Mutex
	var seen []creche.HookEvent
	loop := must(creche.NewLoop(&creche.LoopOptions{Hook: func(e *creche.HookEvent) {
		lock.Lock()
		defer lock.Unlock()
		seen = append(seen, *e)
	}, HookKinds: []creche.HookKind{creche.HookSpawned, creche.HookEnded, creche.HookCancelled}}))
	err := creche.Run(loop.Context(context.Background()), func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error { return creche.Sleep(ctx, time.Hour) })
		g.Go(func(ctx context.Context) error { return errors.New("no luck") })
		return nil
	}, creche.Name("all"))
	is(t, err, creche.ErrGroup)
	ok(t, loop.Close(10*time.Second))
	lock.Lock()
	defer lock.Unlock()
	kinds := map[uint64][]creche.HookKind{}
	var group uint64
	siblings := false
	for _, e := range seen {
		kinds[e.ID] = append(kinds[e.ID], e.Kind)
		switch {
		case e.Kind == creche.HookSpawned && e.Node == creche.NodeGroup:
			group = e.ID
			if e.Name != "all" {
				t.Errorf("%+v", e)
			}
		case e.Kind == creche.HookCancelled && e.Reason == creche.ReasonSibling:
			siblings = siblings || e.ID == group && group != 0
		case e.Kind == creche.HookEnded && e.Node == creche.NodeSleep:
			if e.Status != creche.ErrCancelled || e.Duration < 0 {
				t.Errorf("%+v", e)
			}
		case e.Kind == creche.HookStarted:
			t.Errorf("not asked for: %+v", e)
		}
	}
	if !siblings {
		t.Errorf("the group was not cancelled: %+v", seen)
	}
	for id, told := range kinds {
		if told[0] == creche.HookSpawned && told[len(told)-1] != creche.HookEnded {
			t.Errorf("%d: %v", id, told)
		}
	}
}

func TestAChildThatOverstaysItsGraceIsNamed(t *testing.T) {
	stalled := make(chan creche.HookEvent, 16)
	loop := must(creche.NewLoop(&creche.LoopOptions{Hook: func(e *creche.HookEvent) { stalled <- *e },
		HookKinds: []creche.HookKind{creche.HookStalled}}))
	err := creche.Run(loop.Context(context.Background()), func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			g.Cancel("enough")
			e := <-stalled // it does not look at ctx, until somebody says so
			if e.Kind != creche.HookStalled || e.Name != "deaf" {
				t.Errorf("%+v", e)
			}
			return nil
		}, creche.Name("deaf"))
		return nil
	}, creche.Grace(time.Millisecond))
	ok(t, err)
	ok(t, loop.Close(10*time.Second))
}

func TestALogTellsWhatWasLost(t *testing.T) {
	var lock sync.Mutex
	var seen []creche.LogRecord
	loop := must(creche.NewLoop(&creche.LoopOptions{LogLevel: creche.LogWarn, Log: func(r *creche.LogRecord) {
		lock.Lock()
		defer lock.Unlock()
		seen = append(seen, *r)
	}}))
	web := must(creche.NewSession(&creche.SessionOptions{Loop: loop}))
	_, err := web.Get(loop.Context(context.Background()), "http://127.0.0.1:1/secret")
	is(t, err, creche.ErrConnect)
	web.Close()
	ok(t, loop.Close(10*time.Second))
	lock.Lock()
	defer lock.Unlock()
	if len(seen) != 1 || seen[0].Event != creche.LogConnectFailed || seen[0].Level != creche.LogWarn {
		t.Fatalf("%+v", seen)
	}
	fields := map[string]creche.LogField{}
	for _, f := range seen[0].Fields {
		fields[f.Name] = f
	}
	if fields["error"].Text != "CRECHE_E_CONNECT" || !fields["phase"].IsNumber || strings.Contains(fmt.Sprint(fields), "secret") {
		t.Errorf("%+v", fields)
	}
}

func ExampleLoopOptions_hook() {
	loop, err := creche.NewLoop(&creche.LoopOptions{
		Hook: func(e *creche.HookEvent) {
			if e.Node == creche.NodeGroup {
				fmt.Printf("%s is cancelled: %s\n", e.Name, e.Text)
			}
		},
		HookKinds: []creche.HookKind{creche.HookCancelled},
	})
	if err != nil {
		return
	}
	creche.Run(loop.Context(context.Background()), func(ctx context.Context, g *creche.Group) error {
		g.Cancel("it is late")
		return nil
	}, creche.Name("crawl"))
	loop.Close(time.Second)
	// Output: crawl is cancelled: it is late
}
