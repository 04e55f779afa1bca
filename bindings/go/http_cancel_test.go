package creche_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"libcreche/creche"
)

func TestCancelAFetch(t *testing.T) {
	var seen atomic.Int32
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("begin"))
		w.(http.Flusher).Flush()
		<-r.Context().Done() // the connection is closed
		seen.Add(1)
	})
	web := session(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := web.Get(ctx, url); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, creche.ErrCancelled) {
		t.Errorf("%v", err)
	}
	err := creche.Run(context.Background(), func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			s, err := web.Send(ctx, &creche.Request{URL: url})
			if err != nil {
				return err
			}
			_, err = io.ReadAll(s) // not closed: it ends with the task
			return err
		})
		return nil
	}, creche.Timeout(30*time.Millisecond))
	if !errors.Is(err, creche.ErrTimeout) {
		t.Errorf("%v", err)
	}
	for i := 0; i < 500 && seen.Load() != 2; i++ {
		time.Sleep(2 * time.Millisecond)
	}
	if c := web.Counters(); seen.Load() != 2 || c.Active != 0 || c.Idle != 0 {
		t.Errorf("%d connections were closed, %+v", seen.Load(), c)
	}
	// A read can be ended by closing, too.
	s, err := web.Send(context.Background(), &creche.Request{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(10 * time.Millisecond)
		s.Close()
	}()
	if _, err := io.ReadAll(s); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("%v", err)
	}
}

// A fetch is cancelled at each moment of its life: it ends once, with a result or cancelled.
func TestCancelAtEveryStepOfAFetch(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 10000)) })
	web := session(t, nil)
	var good, bad int
	for i := 0; i < 300; i++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*3*time.Microsecond)
		r, err := web.Get(ctx, url)
		switch {
		case err == nil && len(r.Body) == 10000:
			good++
		case errors.Is(err, context.DeadlineExceeded):
			bad++
		default:
			t.Fatal(err)
		}
		cancel()
	}
	if r, err := web.Get(context.Background(), url); err != nil || len(r.Body) != 10000 {
		t.Fatal(err)
	}
	t.Logf("%d came, %d were cancelled", good, bad)
}

func TestBackPressure(t *testing.T) {
	var sent atomic.Int64
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < 1024; i++ {
			n, err := w.Write(make([]byte, 64<<10))
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	s, err := session(t, nil).Send(context.Background(), &creche.Request{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	held := sent.Load()
	if held > 32<<20 {
		t.Errorf("%d bytes were sent to somebody who does not read", held)
	}
	if n, err := io.Copy(io.Discard, s); err != nil || n != 64<<20 {
		t.Errorf("%d, %v", n, err)
	}
}
