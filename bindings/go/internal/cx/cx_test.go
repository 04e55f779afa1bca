package cx

import (
	"sync"
	"testing"
	"time"
)

const (
	eInvalid       = -1
	eBadHandle     = -2
	eEnded         = -3
	eClosed        = -4
	eWouldDeadlock = -6
	eUnsupported   = -9
	eState         = -10
)

func open(t *testing.T) (loop, queue uint64) {
	t.Helper()
	l := LoopOpen(0, 0, 0, false, 0, "test", 0, 0, 0, 0, false)
	if l.Failure != nil {
		t.Fatal(l.Failure.Message)
	}
	q := QueueOpen(l.ID)
	if q.Failure != nil {
		t.Fatal(q.Failure.Message)
	}
	t.Cleanup(func() {
		LoopClose(l.ID, 0)
		if joined := LoopJoin(l.ID, 5*time.Second); joined.Failure != nil && joined.Failure.Status != eEnded {
			t.Error(joined.Failure.Message)
		}
	})
	return l.ID, q.ID
}

func expect(t *testing.T, what string, s Started, status int32) {
	t.Helper()
	if s.Failure == nil {
		t.Errorf("%s: it worked", what)
	} else if s.Failure.Status != status || s.Failure.Message == "" {
		t.Errorf("%s: %d %q, wanted %d", what, s.Failure.Status, s.Failure.Message, status)
	}
}

func TestHandles(t *testing.T) {
	loop, queue := open(t)
	tail := Tail{In: loop, Queue: queue, User: 1}
	expect(t, "null", Sleep(Tail{Queue: queue}, 0), eBadHandle)
	expect(t, "forged", Sleep(Tail{In: 0xdeadbeefdeadbeef, Queue: queue}, 0), eBadHandle)
	expect(t, "another kind", Sleep(Tail{In: queue, Queue: queue}, 0), eBadHandle)
	expect(t, "a forged queue", Sleep(Tail{In: loop, Queue: loop}, 0), eBadHandle)
	expect(t, "a negative time", Sleep(tail, -1), eInvalid)
	expect(t, "finishing a loop", TaskFinish(loop, 0, "", 0), eBadHandle)
	expect(t, "closing a queue as a loop", LoopClose(queue, 0), eBadHandle)
	s := Sleep(tail, 0)
	batch := NewBatch()
	defer batch.Free()
	events, status := batch.Wait(queue)
	if status != 0 || len(events) != 1 || events[0].User != 1 || events[0].Task != s.ID || events[0].Status != 0 {
		t.Fatalf("%d %v", status, events)
	}
	batch.Take(queue)
	expect(t, "ended", ScopeCancel(s.ID, ""), eEnded)
	expect(t, "in an ended task", Sleep(Tail{In: s.ID, Queue: queue}, 0), eEnded)
	q := QueueOpen(loop)
	QueueRelease(q.ID)
	QueueRelease(q.ID)
	expect(t, "a released queue", Sleep(Tail{In: loop, Queue: q.ID}, 0), eEnded)
	if fd := QueueFd(q.ID); fd != eEnded {
		t.Errorf("the descriptor of a released queue: %d", fd)
	}
}

func TestOptions(t *testing.T) {
	loop, _ := open(t)
	for _, c := range []struct {
		what string
		size uint32
		tail byte
		want int32
	}{
		{"the size of this header", 0, 0, 0},
		{"too short", 4, 0, eInvalid},
		{"longer, with zeroes", ScopeOptionsSize + 8, 0, 0},
		{"longer, with something new", ScopeOptionsSize + 8, 1, eUnsupported},
	} {
		scope, status := ScopeOpen(loop, c.size, c.tail)
		if status != c.want {
			t.Errorf("%s: %d, wanted %d", c.what, status, c.want)
		}
		if status == 0 {
			if left := ScopeLeave(scope); left != 0 {
				t.Errorf("leave: %d", left)
			}
		}
	}
}

func TestNull(t *testing.T) {
	loop, _ := open(t)
	if call := ProbeNull(loop); call != 0 {
		t.Fatalf("call %d was not refused", call)
	}
}

func TestBlockingOnTheLoop(t *testing.T) {
	loop, queue := open(t)
	if status := ProbeBlocking(loop, queue); status != eWouldDeadlock {
		t.Fatal(status)
	}
}

func TestTaskStates(t *testing.T) {
	loop, queue := open(t)
	batch := NewBatch()
	defer batch.Free()
	started := TaskOpen(Tail{In: loop, Queue: queue, User: 7}, Bounds{}, "task")
	if started.Failure != nil {
		t.Fatal(started.Failure.Message)
	}
	events, _ := batch.Wait(queue)
	if events[0].Kind != Begin || events[0].Flags&More == 0 || events[0].Task != started.ID {
		t.Fatalf("%+v", events[0])
	}
	if f := TaskFinish(started.ID, -25, "a failure", 42); f.Failure != nil {
		t.Fatal(f.Failure.Message)
	}
	again := TaskFinish(started.ID, 0, "", 0)
	if again.Failure == nil || (again.Failure.Status != eState && again.Failure.Status != eEnded) {
		t.Errorf("a second finish: %+v", again.Failure)
	}
	events, _ = batch.Wait(queue)
	if f := events[0].Failure(); events[0].Kind != Done || f == nil || f.Cookie != 42 || f.Message != "a failure" {
		t.Errorf("%+v, %+v", events[0], f)
	}
	expect(t, "an answer without a question", TaskAnswer(started.ID, 0, nil, false, ""), eEnded)
}

func TestQueueClose(t *testing.T) {
	loop, queue := open(t)
	Sleep(Tail{In: loop, Queue: queue, User: 1}, time.Millisecond)
	QueueClose(queue)
	expect(t, "a closed queue", Sleep(Tail{In: loop, Queue: queue}, 0), eClosed)
	batch := NewBatch()
	defer batch.Free()
	if events, _ := batch.Wait(queue); len(events) != 1 {
		t.Fatal("what was accepted was not delivered")
	}
	if _, status := batch.Wait(queue); status != eClosed {
		t.Fatal(status)
	}
}

// Two drains at once each get their own; nothing is lost or seen twice.
func TestManyStarters(t *testing.T) {
	loop, queue := open(t)
	const starters, each = 8, 500
	seen := make([]int, starters*each+1)
	var wait sync.WaitGroup
	for s := 0; s < starters; s++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := 0; i < each; i++ {
				if started := Sleep(Tail{In: loop, Queue: queue, User: uintptr(s*each + i + 1)}, time.Duration(i%5)); started.Failure != nil {
					t.Error(started.Failure.Message)
				}
			}
		}()
	}
	batch := NewBatch()
	for got := 0; got < starters*each; {
		events, status := batch.Wait(queue)
		if status != 0 {
			t.Fatal(status)
		}
		for i := range events {
			seen[events[i].User]++
			got++
		}
	}
	wait.Wait()
	batch.Free()
	for user, n := range seen[1:] {
		if n != 1 {
			t.Fatalf("%d came %d times", user+1, n)
		}
	}
}

func TestWatchOver(t *testing.T) {
	known := func(number uint64) *watcher {
		found, _ := watchers.Load(number)
		w, _ := found.(*watcher)
		return w
	}
	never := Watch(func(*WatchEvent) {})
	WatchOver(never)
	runs := Watch(func(*WatchEvent) {})
	known(runs).note(runs, true)
	WatchOver(runs)
	if known(never) != nil || known(runs) == nil {
		t.Error("what never began is over, what runs is not")
	}
	known(runs).note(runs, false)
	ended := Watch(func(*WatchEvent) {})
	known(ended).note(ended, true)
	known(ended).note(ended, false)
	if known(runs) != nil || known(ended) == nil {
		t.Error("it is over with its end, if nobody makes another")
	}
	WatchOver(ended)
	if known(ended) != nil {
		t.Error("it was over")
	}
}
