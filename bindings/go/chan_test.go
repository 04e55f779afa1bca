package creche_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libcreche/creche"
)

func pipe[T any](t testing.TB, l *creche.Loop, capacity int) (*creche.Sender[T], *creche.Receiver[T]) {
	t.Helper()
	sender, receiver, err := creche.NewChan[T](capacity, &creche.ChanOptions{Loop: l, Name: "pipe"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sender.Close)
	t.Cleanup(receiver.Close)
	return sender, receiver
}

func TestItemsComeInOrderAndThenTheEnd(t *testing.T) {
	l, ctx := virtual(t, 0)
	sender, receiver := pipe[string](t, l, 3)
	for _, text := range []string{"one", "two", "three"} {
		ok(t, sender.TrySend(text))
	}
	is(t, sender.TrySend("four"), creche.ErrLimit)
	sent := make(chan error)
	go func() { sent <- sender.Send(ctx, "four") }()
	eventually(t, func() bool { return must(sender.State()).Sending == 1 })
	if state := must(receiver.State()); state != (creche.ChanState{Items: 3, Capacity: 3, Senders: 1, Receivers: 1, Sending: 1}) {
		t.Errorf("%+v", state)
	}
	got := []string{must(receiver.TryRecv())}
	ok(t, <-sent)
	sender.Close()
	for len(got) < 4 {
		got = append(got, must(receiver.Recv(ctx)))
	}
	if !reflect.DeepEqual(got, []string{"one", "two", "three", "four"}) {
		t.Error(got)
	}
	if _, err := receiver.Recv(ctx); err != io.EOF {
		t.Error(err)
	}
	if _, err := receiver.TryRecv(); err != io.EOF {
		t.Error(err)
	}
}

func TestFullChannelHoldsItsSenderBack(t *testing.T) {
	l, ctx := virtual(t, 0)
	begin := l.Now()
	sender, receiver := pipe[int](t, l, 2)
	var sent, received []time.Duration
	err := creche.Run(ctx, func(ctx context.Context, g *creche.Group) error {
		g.Go(func(ctx context.Context) error {
			defer sender.Close()
			for i := range 6 {
				if err := sender.Send(ctx, i); err != nil {
					return err
				}
				sent = append(sent, l.Now().Sub(begin)/time.Second)
			}
			return nil
		})
		creche.Sleep(ctx, 10*time.Second)
		for i := 0; ; i++ {
			item, err := receiver.Recv(ctx)
			if err == io.EOF {
				return nil
			}
			if err != nil || item != i {
				return fmt.Errorf("item %d is %d: %w", i, item, err)
			}
			received = append(received, l.Now().Sub(begin)/time.Second)
			creche.Sleep(ctx, time.Second)
		}
	})
	if err != nil || !reflect.DeepEqual(sent, []time.Duration{0, 0, 10, 11, 12, 13}) ||
		!reflect.DeepEqual(received, []time.Duration{10, 11, 12, 13, 14, 15}) {
		t.Error(err, sent, received)
	}
}

func TestEachSendMeetsAReceive(t *testing.T) {
	l, ctx := virtual(t, 0)
	sender, receiver := pipe[int](t, l, 0)
	is(t, sender.TrySend(0), creche.ErrLimit)
	_, err := receiver.TryRecv()
	is(t, err, creche.ErrLimit)
	sent := make(chan error, 3)
	for i := range 3 {
		go func() { sent <- sender.Send(ctx, i) }()
		eventually(t, func() bool { return must(sender.State()).Sending == i+1 })
	}
	for i := range 3 {
		if item := must(receiver.Recv(ctx)); item != i {
			t.Errorf("%d, not %d", item, i)
		}
		ok(t, <-sent)
	}
	got := make([]chan int, 3)
	for i := range got {
		got[i] = make(chan int, 1)
		go func() { got[i] <- must(receiver.Recv(ctx)) }()
		eventually(t, func() bool { return must(sender.State()).Receiving == i+1 })
	}
	for i := range got {
		ok(t, sender.TrySend(i))
		if item := <-got[i]; item != i {
			t.Errorf("%d, not %d", item, i)
		}
	}
}

func TestLastHandleOfASideEndsTheOther(t *testing.T) {
	l, ctx := virtual(t, 0)
	sender, receiver := pipe[int](t, l, 0)
	other := must(sender.Clone())
	ends := make(chan error)
	for range 2 {
		go func() {
			_, err := receiver.Recv(ctx)
			ends <- err
		}()
	}
	eventually(t, func() bool { return must(receiver.State()).Receiving == 2 })
	sender.Close()
	sender.Close()
	if state := must(receiver.State()); state.Senders != 1 || state.Receiving != 2 {
		t.Errorf("%+v", state)
	}
	other.Close()
	for range 2 {
		if err := <-ends; err != io.EOF {
			t.Error(err)
		}
	}

	sender, receiver = pipe[int](t, l, 1)
	another := must(receiver.Clone())
	ok(t, sender.TrySend(0))
	for range 2 {
		go func() { ends <- sender.Send(ctx, 1) }()
	}
	eventually(t, func() bool { return must(sender.State()).Sending == 2 })
	another.Close()
	another.Close()
	if state := must(sender.State()); state.Receivers != 1 || state.Sending != 2 {
		t.Errorf("%+v", state)
	}
	receiver.Close()
	is(t, <-ends, creche.ErrClosed)
	is(t, <-ends, creche.ErrClosed)
	is(t, sender.TrySend(2), creche.ErrClosed)
	is(t, sender.Send(ctx, 2), creche.ErrClosed)
}

func TestClosedHandleTakesItsWaitsAlong(t *testing.T) {
	l, ctx := virtual(t, 0)
	sender, receiver := pipe[int](t, l, 0)
	other, another := must(sender.Clone()), must(receiver.Clone())
	ends := make(chan error)
	go func() { ends <- other.Send(ctx, 1) }()
	eventually(t, func() bool { return must(sender.State()).Sending == 1 })
	other.Close()
	is(t, <-ends, creche.ErrClosed)
	go func() {
		_, err := another.Recv(ctx)
		ends <- err
	}()
	eventually(t, func() bool { return must(sender.State()).Receiving == 1 })
	another.Close()
	is(t, <-ends, creche.ErrClosed)
	is(t, other.Send(ctx, 1), creche.ErrEnded)
	_, err := another.Recv(ctx)
	is(t, err, creche.ErrEnded)
	_, err = another.Clone()
	is(t, err, creche.ErrEnded)

	ended(t, func(l *creche.Loop) { sender, receiver = pipe[int](t, l, 1) })
	is(t, sender.TrySend(1), creche.ErrEnded)
	_, err = receiver.TryRecv()
	is(t, err, creche.ErrEnded)
	_, err = receiver.State()
	is(t, err, creche.ErrEnded)
	_, err = sender.Clone()
	is(t, err, creche.ErrEnded)
}

func TestCancelledWaitsSendAndTakeNothing(t *testing.T) {
	l, ctx := virtual(t, 0)
	sender, receiver := pipe[int](t, l, 0)
	err := creche.Scope(ctx, func(ctx context.Context) error { return sender.Send(ctx, 1) }, creche.Timeout(time.Hour))
	is(t, err, creche.ErrTimeout)
	_, err = receiver.TryRecv()
	is(t, err, creche.ErrLimit)
	with, cancel := context.WithCancel(ctx)
	ends := make(chan error)
	go func() {
		_, err := receiver.Recv(with)
		ends <- err
	}()
	eventually(t, func() bool { return must(sender.State()).Receiving == 1 })
	cancel()
	is(t, <-ends, creche.ErrCancelled)
	is(t, sender.TrySend(2), creche.ErrLimit)
}

func TestPutBackGoesInFront(t *testing.T) {
	l, ctx := virtual(t, 0)
	sender, receiver := pipe[string](t, l, 2)
	ok(t, sender.TrySend("one"))
	ok(t, sender.TrySend("two"))
	first, second := must(receiver.Recv(ctx)), must(receiver.Recv(ctx))
	ok(t, sender.TrySend("three"))
	ok(t, sender.TrySend("four"))
	ok(t, receiver.PutBack(second))
	ok(t, receiver.PutBack(first))
	if state := must(receiver.State()); state.Items != 4 {
		t.Errorf("%+v", state)
	}
	is(t, sender.TrySend("five"), creche.ErrLimit)
	sender.Close()
	for _, wanted := range []string{"one", "two", "three", "four"} {
		if got := must(receiver.Recv(ctx)); got != wanted {
			t.Errorf("%q, not %q", got, wanted)
		}
	}
	if _, err := receiver.Recv(ctx); err != io.EOF {
		t.Error(err)
	}
	ok(t, receiver.PutBack("six"))
	if got := must(receiver.Recv(ctx)); got != "six" {
		t.Error(got)
	}
	receiver.Close()
	is(t, receiver.PutBack("seven"), creche.ErrEnded)
}

// What came is returned, whatever the context does then: one who receives has all, in order.
func TestEndingContextsLoseNothing(t *testing.T) {
	const count = 3000
	l := must(creche.NewLoop(nil))
	defer l.Close(10 * time.Second)
	ctx := l.Context(context.Background())
	sender, receiver := pipe[int](t, l, 3)
	go func() {
		defer sender.Close()
		for i := range count {
			if err := sender.Send(ctx, i); err != nil {
				t.Error(err)
			}
		}
	}()
	for next := 0; ; {
		with, cancel := context.WithCancel(ctx)
		go cancel()
		i, err := receiver.Recv(with)
		cancel()
		switch {
		case err == nil && i != next:
			t.Fatalf("%d, not %d", i, next)
		case err == nil:
			next++
		case err == io.EOF && next == count:
			return
		case !errors.Is(err, context.Canceled):
			t.Fatal(next, err)
		}
	}
}

// A token that came as the context ended is the caller's, or the next one's.
func TestEndingContextsLoseNoTokens(t *testing.T) {
	l := must(creche.NewLoop(nil))
	defer l.Close(10 * time.Second)
	ctx := l.Context(context.Background())
	limiter := must(creche.NewLimiter(1, &creche.LimiterOptions{Loop: l}))
	defer limiter.Close()
	var all sync.WaitGroup
	var had atomic.Int32
	for range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 500 {
				with, cancel := context.WithCancel(ctx)
				go cancel()
				if token, err := limiter.Acquire(with); err == nil {
					had.Add(1)
					token.Release()
				} else if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				cancel()
			}
		}()
	}
	all.Wait()
	if state := must(limiter.State()); state != (creche.LimiterState{Total: 1}) || had.Load() == 0 {
		t.Errorf("%+v, %d", state, had.Load())
	}
}

func TestEveryItemHasOneEnd(t *testing.T) {
	const count = 2000
	l := must(creche.NewLoop(nil))
	defer l.Close(10 * time.Second)
	ctx := l.Context(context.Background())
	sender, receiver := pipe[int](t, l, 3)
	var seen [count]atomic.Int32
	var sending, receiving sync.WaitGroup
	for part := range 4 {
		sending.Add(1)
		receiving.Add(1)
		go func() {
			defer sending.Done()
			for i := part; i < count; i += 4 {
				with, cancel := context.WithCancel(ctx)
				if i%3 == 0 {
					go cancel()
				}
				if err := sender.Send(with, i); err != nil {
					seen[i].Add(1) // it was not sent
				}
				cancel()
			}
		}()
		go func() {
			defer receiving.Done()
			for turn := part; ; turn++ {
				with, cancel := context.WithCancel(ctx)
				if turn%3 == 0 {
					go cancel()
				}
				i, err := receiver.Recv(with)
				cancel()
				switch {
				case err == nil:
					seen[i].Add(1)
				case err == io.EOF:
					return
				case !errors.Is(err, context.Canceled):
					t.Error(err)
				}
			}
		}()
	}
	sending.Wait()
	sender.Close()
	receiving.Wait()
	for i := range seen {
		if n := seen[i].Load(); n != 1 {
			t.Errorf("item %d: %d", i, n)
		}
	}
}

func TestItemsThatNobodyTakesAreForgotten(t *testing.T) {
	l, ctx := virtual(t, 0)
	sender, receiver := pipe[*[1 << 10]byte](t, l, 2)
	var freed atomic.Int32
	item := func() *[1 << 10]byte {
		item := new([1 << 10]byte)
		runtime.SetFinalizer(item, func(*[1 << 10]byte) { freed.Add(1) })
		return item
	}
	ok(t, sender.TrySend(item()))
	ok(t, sender.TrySend(item()))
	is(t, sender.TrySend(item()), creche.ErrLimit)
	is(t, creche.Scope(ctx, func(ctx context.Context) error { return sender.Send(ctx, item()) },
		creche.Timeout(time.Second)), creche.ErrTimeout)
	receiver.Close()
	eventually(t, func() bool {
		runtime.GC()
		return freed.Load() == 4
	})
	runtime.KeepAlive(sender)
	runtime.KeepAlive(receiver)
}
