package creche

import (
	"bytes"
	"runtime"
	"sync"
	"time"

	"libcreche/creche/internal/cx"
)

// blocked are the goroutines in Blocked. Go does not tell when one of them can go on, but a dump of all
// goroutines says of each whether it waits, and for what kind of thing, at one moment for all. So holds of
// the clock that are given back while there are any are owed to it until such a dump shows that all wait:
// then nobody can go on but by somebody who has a hold of its own.
type blocked struct {
	sync.Mutex
	count    map[string]int // by goroutine; in Blocked more than once: Blocked in Blocked
	owed     int            // holds to give back
	watching bool           // a goroutine does that
}

func (b *blocked) enter() string {
	var text [64]byte
	id := string(goroutineOf(text[:runtime.Stack(text[:], false)]))
	b.Lock()
	defer b.Unlock()
	if b.count == nil {
		b.count = map[string]int{}
	}
	b.count[id]++
	return id
}

func (b *blocked) leave(id string) {
	b.Lock()
	defer b.Unlock()
	if b.count[id]--; b.count[id] == 0 {
		delete(b.count, id)
	}
}

// owe gives a hold back as soon as all wait. False: nobody is in Blocked.
func (b *blocked) owe(l *Loop) bool {
	b.Lock()
	defer b.Unlock()
	if len(b.count) == 0 {
		return false
	}
	b.owed++
	if !b.watching {
		b.watching = true
		go b.watch(l)
	}
	return true
}

func (b *blocked) watch(l *Loop) {
	dump := make([]byte, 64<<10)
	for try := 0; ; try++ {
		b.Lock()
		owed := b.owed // before the look, so that what happened before they were given back shows
		if owed == 0 {
			b.watching = false
			b.Unlock()
			return
		}
		left := len(b.count)
		ids := make(map[string]bool, left)
		for id := range b.count {
			ids[id] = true
		}
		b.Unlock()
		if left > 0 && !allWait(&dump, ids) {
			select {
			case <-l.drained:
				return // it has ended
			default:
			}
			if try < 100 {
				runtime.Gosched()
			} else {
				time.Sleep(100 * time.Microsecond)
			}
			continue
		}
		b.Lock()
		b.owed -= owed
		b.Unlock()
		for ; owed > 0; owed-- {
			cx.ClockRelease(l.id)
		}
		try = 0
	}
}

// allWait looks at all goroutines at one moment: whether these wait for others.
func allWait(dump *[]byte, ids map[string]bool) bool {
	n := runtime.Stack(*dump, true)
	for n == len(*dump) {
		*dump = make([]byte, 2*n)
		n = runtime.Stack(*dump, true)
	}
	for _, one := range bytes.Split((*dump)[:n], []byte("\n\n")) {
		if !ids[string(goroutineOf(one))] {
			continue
		}
		_, state, _ := bytes.Cut(one, []byte(" ["))
		state = state[:max(bytes.IndexAny(state, ",]"), 0)]
		if !waits(string(state)) {
			return false
		}
	}
	return true
}

// goroutineOf is the number in "goroutine 7 [chan receive]:".
func goroutineOf(trace []byte) []byte {
	number, _, _ := bytes.Cut(bytes.TrimPrefix(trace, []byte("goroutine ")), []byte(" "))
	return number
}

// waits says whether a goroutine in this state goes on only if another one does something.
func waits(state string) bool {
	switch state {
	case "chan receive", "chan receive (nil chan)", "chan send", "chan send (nil chan)",
		"select", "select (no cases)", "semacquire":
		return true
	}
	return len(state) > 5 && state[:5] == "sync." // Mutex.Lock, Cond.Wait, WaitGroup.Wait, ...
}
