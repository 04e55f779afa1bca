package creche

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"libcreche/creche/internal/cx"
)

// Loop is an event loop with a thread of its own, and all that runs on it. Most programs need only
// the default one, which is opened when it is first used and never closed.
type Loop struct {
	id      uint64
	queue   uint64
	root    *scope
	table   table
	virtual bool          // its clock
	blocked blocked       // goroutines in Blocked, with a virtual clock
	epoch   time.Time     // the beginning of a virtual clock
	moved   atomic.Bool   // a deadline or shield was changed: contexts ask for theirs
	file    *os.File      // a duplicate of the queue's descriptor
	drained chan struct{} // closed when nothing more will be delivered
	closing sync.Mutex
	closed  bool   // Close has succeeded
	unhook  func() // of the user's functions, once it is joined
}

// LoopOptions of NewLoop; nil and 0 are the defaults.
type LoopOptions struct {
	Name         string // for dumps, and the thread's name
	OffloadLimit int    // worker threads at the most

	// BusyPoll is how long the loop looks again and again for something to do before it sleeps; 0: it
	// sleeps at once. What comes in that time is served without the price of a sleep and a wake-up,
	// which is most of the time of a round trip on one connection; while the loop has nothing to do
	// its thread uses all of its processor for so long, each time. 50 µs is a good value for a
	// processor that can be spared.
	BusyPoll time.Duration

	// Hook is told of what happens in the loop, as it does: one event at a time, in their order, on the
	// thread that made it happen or on the loop's; stalls of the loop while it is blocked. It must
	// return soon and not panic, and nothing that waits for the loop works in it. Events of kinds that
	// HookKinds does not name cost nothing; without HookKinds it is told of all.
	Hook      func(*HookEvent)
	HookKinds []HookKind
	// StallAfter: what blocks the loop's thread for longer is told to the hook, HookStalled, while it
	// does, and again each time that the time has doubled. 0: nobody looks. (Goroutines never do; those
	// that do not end when they are cancelled are told by Grace.)
	StallAfter time.Duration

	// Log gets records up to LogLevel (LogInfo, if that is 0): connections, retries, reconnects, what was
	// lost. It is called as Hook is. With Debug they also tell what the program does wrong without being
	// told so: groups left open, completions that go nowhere, work that was refused, each with its place.
	Log      func(*LogRecord)
	LogLevel LogLevel
	Debug    bool

	// Virtual, for tests: a clock that stands still while anything can happen, and jumps to the next
	// deadline when nothing can, so that an hour's sleep takes no time. A goroutine of a group that
	// waits for anything but the loop, or with a context that is not its own, must say so: Blocked.
	// Timers of Go's own (context.WithTimeout, time.After) go on in real time.
	Virtual bool
	// Seed, for tests: what may run in any order does so in one drawn from it, if it is not 0.
	Seed uint64
}

var defaultLoop struct {
	sync.Mutex
	loop *Loop
}

// DefaultLoop is the loop that everything uses that is not given one.
func DefaultLoop() (*Loop, error) {
	d := &defaultLoop
	d.Lock()
	defer d.Unlock()
	if d.loop == nil {
		loop, err := NewLoop(nil)
		if err != nil {
			return nil, err
		}
		d.loop = loop
	}
	return d.loop, nil
}

// NewLoop opens a loop.
func NewLoop(options *LoopOptions) (*Loop, error) {
	o := LoopOptions{}
	if options != nil {
		o = *options
	}
	number, kinds := hook(o.Hook, o.HookKinds)
	log := logTo(o.Log)
	unhook := func() {
		cx.Unhook(number)
		cx.Unhook(log)
	}
	opened := cx.LoopOpen(uint32(o.OffloadLimit), o.BusyPoll, o.StallAfter, o.Virtual, o.Seed, o.Name, kinds, number,
		uint32(o.LogLevel), log, o.Debug)
	if opened.Failure != nil {
		unhook()
		return nil, newError(opened.Failure, nil)
	}
	l := &Loop{id: opened.ID, virtual: o.Virtual, epoch: time.Now().Round(0), drained: make(chan struct{}), unhook: unhook}
	l.root = &scope{loop: l, root: true, context: context.Background()}
	l.root.id.Store(l.id)
	fail := func(err error) (*Loop, error) {
		cx.LoopClose(l.id, 0)
		cx.LoopJoin(l.id, time.Second)
		unhook()
		return nil, err
	}
	queue := cx.QueueOpen(l.id)
	if queue.Failure != nil {
		return fail(newError(queue.Failure, nil))
	}
	l.queue = queue.ID
	// Go's poller waits for the queue, so that no thread sleeps in C. The descriptor is the library's:
	// the poller gets one of its own for the same queue.
	fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(cx.QueueFd(l.queue)), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return fail(os.NewSyscallError("fcntl", errno))
	}
	l.file = os.NewFile(fd, "creche queue")
	raw, err := l.file.SyscallConn()
	if err != nil {
		l.file.Close()
		return fail(err)
	}
	go l.drain(raw)
	return l, nil
}

// drain delivers completions, in batches, as long as the loop lives. It is the only reader.
func (l *Loop) drain(raw syscall.RawConn) {
	defer close(l.drained)
	batch := cx.NewBatch()
	defer batch.Free()
	var receivers [cx.BatchSize]receiver
	// deliver takes batches until there is none, or waits in C if it may; false: the queue is closed.
	deliver := func(take func(queue uint64) ([]cx.Event, int32)) bool {
		l.hold() // until those whose completions were taken have holds of their own
		defer l.letGo()
		for {
			events, status := take(l.queue)
			if status != 0 {
				return false
			}
			if len(events) == 0 {
				return true
			}
			l.table.find(events, &receivers)
			for i := range events {
				if r := receivers[i]; r != nil {
					receivers[i] = nil
					r.deliver(&events[i])
				}
			}
		}
	}
	if raw.Read(func(uintptr) bool { return !deliver(batch.Take) }) == nil {
		return
	}
	// The poller does not take the descriptor.
	if !l.virtual {
		deliver(batch.Wait)
		return
	}
	for deliver(batch.Take) {
		time.Sleep(100 * time.Microsecond)
	}
}

// Context is ctx with this loop as the place where operations and groups are started.
func (l *Loop) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, scopeKey{}, l.root)
}

// DumpFormat is how DumpAs writes the tree.
type DumpFormat uint32

const (
	// DumpText is for people.
	DumpText DumpFormat = cx.DumpText
	// DumpJSON is for programs; creche/loop.h has its keys.
	DumpJSON DumpFormat = cx.DumpJSON
	// DumpDOT is for Graphviz.
	DumpDOT DumpFormat = cx.DumpDOT
)

// Dump is the live tree as text, one scope, group or task a line.
func (l *Loop) Dump() (string, error) { return l.DumpAs(DumpText) }

// DumpAs is the live tree in another format.
func (l *Loop) DumpAs(format DumpFormat) (string, error) {
	text, dumped := cx.LoopDump(l.id, uint32(format))
	if dumped.Failure != nil {
		return "", newError(dumped.Failure, nil)
	}
	return text, nil
}

// Close ends a loop: it cancels all that runs in it, waits up to timeout for its end, and takes the
// sessions and pools with it. The default loop need not be closed. After an ErrTimeout something is still
// running: Close waits for it again. Once closed, doing it again is harmless.
func (l *Loop) Close(timeout time.Duration) error {
	l.closing.Lock()
	defer l.closing.Unlock()
	if l.closed {
		return nil
	}
	if err := l.close(timeout); err != nil {
		return err
	}
	l.closed = true
	return l.file.Close()
}

func (l *Loop) close(timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	if closed := cx.LoopClose(l.id, 0); closed.Failure != nil {
		return newError(closed.Failure, nil)
	}
	// The queue must stay until each operation has got its end from it.
	for wait := 100 * time.Microsecond; l.table.live() > 0 && time.Now().Before(deadline); wait *= 2 {
		time.Sleep(min(wait, 10*time.Millisecond))
	}
	cx.QueueClose(l.queue)
	joined := cx.LoopJoin(l.id, max(time.Until(deadline), time.Millisecond))
	if joined.Failure != nil {
		return newError(joined.Failure, nil)
	}
	l.unhook()
	<-l.drained
	return nil
}
