package creche_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"libcreche/creche"
)

// within fails the test if fn takes longer than it ever should.
func within(t *testing.T, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		tree := "no tree"
		if l, err := creche.DefaultLoop(); err == nil {
			tree, _ = l.Dump()
		}
		t.Fatalf("nothing for 20 s:\n%s", tree)
	}
}

func TestBodyThatPanicsCancelsWhateverThePolicy(t *testing.T) {
	for _, policy := range []creche.Option{creche.Collect, creche.Race, creche.Name("fail fast")} {
		for _, exits := range []bool{false, true} {
			var value any
			stopped := false
			within(t, func() {
				defer func() { value = recover() }()
				creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
					g.Go(func(ctx context.Context) error {
						<-ctx.Done()
						stopped = true
						return ctx.Err()
					})
					if exits {
						runtime.Goexit()
					}
					panic(errBoom)
				}, policy)
			})
			if !stopped || !exits && value != any(errBoom) || exits && value != nil {
				t.Fatalf("%v, %v %v", exits, stopped, value)
			}
		}
	}
}

// What C would read only in part is refused as a whole.
func TestNULInTexts(t *testing.T) {
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, creche.ErrInvalid) || !strings.Contains(err.Error(), "NUL") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
	ctx := context.Background()
	web, err := creche.NewSession(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	const url = "http://127.0.0.1:1/"
	for what, r := range map[string]creche.Request{
		"the URL":         {URL: url + "secret\x00?a"},
		"the method":      {URL: url, Method: "GET\x00"},
		"a header's name": {URL: url, Header: http.Header{"X\x00": {"a"}, "Y": {"b"}}},
	} {
		_, err := web.Do(ctx, &r)
		refused(what, err)
	}
	for what, o := range map[string]creche.SessionOptions{
		"the CA file":    {CAFile: "a\x00b"},
		"the user agent": {UserAgent: "a\x00b"},
		"a header":       {Header: http.Header{"X\x00": {"a"}}},
	} {
		_, err := creche.NewSession(&o)
		refused(what, err)
	}
	_, err = creche.OpenPool("host=127.0.0.1 password=secret\x00 port=1", nil)
	refused("the DSN", err)
	_, err = creche.OpenPool("", &creche.PoolOptions{ApplicationName: "a\x00b"})
	refused("the application's name", err)
	pool, err := creche.OpenPool("host=127.0.0.1 port=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	_, err = pool.Exec(ctx, "select 'secret'\x00, 1")
	refused("a statement", err)
}

func TestNilFunctions(t *testing.T) {
	within(t, func() {
		err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
			defer func() {
				if recover() == nil {
					t.Error("Go took nil")
				}
			}()
			g.Go(nil)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	for name, call := range map[string]func(){
		"Run":   func() { creche.Run(context.Background(), nil) },
		"Scope": func() { creche.Scope(context.Background(), nil) },
		"Start": func() {
			creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
				_, err := creche.Start[int](ctx, g, nil)
				return err
			})
		},
	} {
		within(t, func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s took nil", name)
				}
			}()
			call()
		})
	}
	// The loop goes on.
	within(t, func() { creche.Sleep(context.Background(), 0) })
}

type awkward struct{ text string }

func (a *awkward) Error() string { return a.text }
func (a *awkward) Unwrap() error { return errors.New(a.text) }

// A nil pointer in an error is a common mistake; its methods panic.
func TestErrorsWhoseMethodsPanic(t *testing.T) {
	var none *awkward
	var own *creche.Error
	for _, failure := range []error{none, own} {
		for _, cancelled := range []bool{false, true} {
			var e *creche.Error
			within(t, func() {
				err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
					g.Go(func(ctx context.Context) error {
						if cancelled {
							g.Cancel("enough")
							<-ctx.Done()
						}
						return failure
					})
					return nil
				})
				errors.As(err, &e)
			})
			if e == nil || e.Status != creche.ErrGroup || len(e.Children) != 1 || e.Children[0] != failure || e.Error() == "" {
				t.Fatalf("%T %v: %#v", failure, cancelled, e)
			}
			within(t, func() {
				err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error { return failure })
				if !errors.As(err, &e) || e.Children[0] != failure {
					t.Errorf("%#v", err)
				}
				if err := creche.Scope(context.Background(), func(context.Context) error { return failure }); err != failure {
					t.Errorf("%#v", err)
				}
			})
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(none)
	within(t, func() {
		err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error { return creche.Sleep(ctx, time.Hour) })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%#v", err)
		}
	})
}

func TestCloseAgainAfterATimeout(t *testing.T) {
	l, err := creche.NewLoop(nil)
	if err != nil {
		t.Fatal(err)
	}
	inside, leave := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- creche.Run(l.Context(context.Background()), func(ctx context.Context, g *creche.Group) error {
			close(inside)
			<-leave
			return nil
		})
	}()
	<-inside
	within(t, func() {
		if err := l.Close(time.Millisecond); !errors.Is(err, creche.ErrTimeout) {
			t.Errorf("closed over a goroutine: %v", err)
		}
		close(leave)
		<-ended
		for range 2 {
			if err := l.Close(10 * time.Second); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestFirstLeavesTheOptionsOfItsCallerAlone(t *testing.T) {
	options := make([]creche.Option, 1, 2)
	options[0] = creche.Name("first")
	one := []func(context.Context) (int, error){func(context.Context) (int, error) { return 1, nil }}
	if v, err := creche.First(context.Background(), one, options...); v != 1 || err != nil {
		t.Fatal(v, err)
	}
	if options[:2][1] != nil {
		t.Fatal("an option was written behind the caller's")
	}
}

// A context that outlives its scope by context.WithoutCancel does not take operations out of it; Shield does.
func TestOnlyAShieldOutlivesItsScope(t *testing.T) {
	within(t, func() {
		err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
			g.Go(func(ctx context.Context) error {
				g.Cancel("enough")
				<-ctx.Done()
				if err := creche.Sleep(context.WithoutCancel(ctx), time.Hour); !errors.Is(err, creche.ErrCancelled) {
					t.Error(err)
				}
				return creche.Shield(ctx, time.Minute, func(ctx context.Context) error {
					if ctx.Err() != nil || context.Cause(ctx) != nil {
						t.Error(context.Cause(ctx))
					}
					return creche.Sleep(ctx, time.Millisecond)
				})
			})
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestWhatOutlivesItsGroupIsRefused(t *testing.T) {
	within(t, func() {
		var kept context.Context
		var group *creche.Group
		creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
			group = g
			g.Go(func(ctx context.Context) error {
				kept = ctx
				return nil
			})
			return nil
		})
		<-kept.Done()
		if kept.Err() != context.Canceled {
			t.Error(kept.Err())
		}
		if err := creche.Sleep(kept, time.Hour); !errors.Is(err, creche.ErrEnded) && !errors.Is(err, creche.ErrCancelled) {
			t.Error("slept")
		}
		if err := creche.Run(kept, func(ctx context.Context, g *creche.Group) error { return nil }); err == nil {
			t.Error("ran")
		}
		if err := creche.Scope(kept, func(ctx context.Context) error { return nil }); err == nil {
			t.Error("scoped")
		}
		if err := creche.Shield(kept, time.Second, func(ctx context.Context) error { return nil }); err == nil {
			t.Error("scoped")
		}
		if _, err := creche.Start(context.Background(), group, func(ctx context.Context, s func(int) error) error { return s(1) }); err == nil {
			t.Error("started")
		}
		group.Cancel("too late")
	})
}

func TestStartedFromManyGoroutinesAndGoexit(t *testing.T) {
	within(t, func() {
		err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
			counted := make(chan int, 1) // after it has started: Start has returned by then
			v, err := creche.Start(ctx, g, func(ctx context.Context, started func(int) error) error {
				var wg sync.WaitGroup
				n := make(chan error, 8)
				for i := range 8 {
					wg.Add(1)
					go func() {
						defer wg.Done()
						n <- started(i)
					}()
				}
				wg.Wait()
				ok := 0
				for range 8 {
					if <-n == nil {
						ok++
					}
				}
				counted <- ok
				return nil
			})
			ok := <-counted
			if ok != 1 || v < 0 || v > 7 || err != nil {
				t.Error(ok, v, err)
			}
			_, err = creche.Start(ctx, g, func(ctx context.Context, started func(int) error) error {
				runtime.Goexit()
				return nil
			})
			if err == nil || errors.Is(err, creche.ErrGroup) {
				t.Error(err)
			}
			if ctx.Err() != nil {
				t.Error("group cancelled")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestLoopIsClosedUnderAGroup(t *testing.T) {
	within(t, func() {
		l, _ := creche.NewLoop(nil)
		err := creche.Run(l.Context(context.Background()), func(ctx context.Context, g *creche.Group) error {
			for range 50 {
				g.Go(func(ctx context.Context) error { return creche.Sleep(ctx, time.Hour) })
			}
			go l.Close(10 * time.Second)
			err := creche.Sleep(ctx, time.Hour)
			var e *creche.Error
			if !errors.As(context.Cause(ctx), &e) || e.Reason != creche.ReasonShutdown {
				t.Errorf("%v", context.Cause(ctx))
			}
			return err
		})
		if !errors.Is(err, creche.ErrCancelled) {
			t.Error(err)
		}
		if err := l.Close(10 * time.Second); err != nil {
			t.Error(err)
		}
		if err := creche.Sleep(l.Context(context.Background()), time.Second); err == nil {
			t.Error("slept")
		}
	})
}
