// Package cx is all of the binding that knows C: thin calls, and Go views of the structs that
// travel in arrays. Nothing of Go's memory is kept by C; every `user` is a number.
package cx

/*
#cgo pkg-config: creche
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"strings"
	"time"
	"unsafe"
)

// BatchSize is how many completions one crossing may bring.
const BatchSize = 256

// Kinds of completions.
const (
	Done    = C.CRECHE_DONE
	Begin   = C.CRECHE_BEGIN
	Cancel  = C.CRECHE_CANCEL
	Pull    = C.CRECHE_PULL
	Ask     = C.CRECHE_ASK
	Chunk   = C.CRECHE_CHUNK
	Notify  = C.CRECHE_NOTIFY
	End     = C.CRECHE_END
	RowsOf  = C.CRECHE_ROWS
	Stalled = C.CRECHE_STALLED
	EventOf = C.CRECHE_EVENT
)

// Flags of completions.
const (
	More    = C.CRECHE_MORE
	Owned   = C.CRECHE_OWNED
	Caught  = C.CRECHE_CAUGHT
	Passing = C.CRECHE_PASSING
)

// Never is the time that does not come.
const Never = int64(C.CRECHE_NEVER)

// Event is a creche_completion, field by field.
type Event struct {
	Status   int32
	Kind     uint32
	Flags    uint32
	Code     uint32
	Value    uint64
	Data     unsafe.Pointer
	Size     uintptr
	err      unsafe.Pointer
	User     uintptr
	Task     uint64
	hold     uint64
	reserved uint64
}

// The layouts are the same, or this does not compile.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(Event{})-C.sizeof_creche_completion]
	_ = [1]struct{}{}[unsafe.Offsetof(Event{}.Value)-unsafe.Offsetof(C.creche_completion{}.value)]
	_ = [1]struct{}{}[unsafe.Offsetof(Event{}.err)-unsafe.Offsetof(C.creche_completion{}.error)]
	_ = [1]struct{}{}[unsafe.Offsetof(Event{}.Task)-unsafe.Offsetof(C.creche_completion{}.task)]
	_ = [1]struct{}{}[unsafe.Offsetof(Event{}.hold)-unsafe.Offsetof(C.creche_completion{}.hold)]
)

// Bytes is a view of the event's data, valid until the batch is used again.
func (e *Event) Bytes() []byte {
	if e.Data == nil || e.Size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(e.Data), e.Size)
}

// Failure copies the event's error; nil if there is none.
func (e *Event) Failure() *Failure { return failureOf((*C.creche_error)(e.err)) }

// Started is the answer of a call.
type Started struct {
	ID      uint64
	Failure *Failure // nil: it worked
}

func answer(a C.cx_answer) Started {
	if a.status == C.CRECHE_OK {
		return Started{ID: uint64(a.id)}
	}
	f := failureOf(a.error)
	if f == nil {
		f = &Failure{Message: "no memory for the error"}
	}
	C.creche_error_release(a.error)
	f.Status = int32(a.status)
	return Started{Failure: f}
}

// Tail says where an operation runs, where its completion goes, and whose it is.
type Tail struct {
	In    uint64
	Queue uint64
	User  uintptr
}

func (t Tail) c() C.cx_tail {
	return C.cx_tail{in: C.uint64_t(t.In), queue: C.uint64_t(t.Queue), user: C.uint64_t(t.User)}
}

// text is s as C wants it; it may only be used during a call. C reads it up to a NUL: where that matters
// whole refuses it.
func text(s string) *C.char {
	b := make([]byte, len(s)+1)
	copy(b, s)
	return (*C.char)(unsafe.Pointer(&b[0]))
}

// whole refuses texts that C would read in part only. The failure does not show them: one may be a DSN.
func whole(what string, texts ...string) *Failure {
	for _, s := range texts {
		if at := strings.IndexByte(s, 0); at >= 0 {
			return &Failure{Status: C.CRECHE_E_INVALID, Phase: C.CRECHE_PHASE_OPTIONS,
				Message: fmt.Sprintf("there is a NUL byte at %d of %s: remove it", at, what)}
		}
	}
	return nil
}

// maybe is the same, with NULL for the empty string.
func maybe(s string) *C.char {
	if s == "" {
		return nil
	}
	return text(s)
}

func nanoseconds(d time.Duration) C.int64_t { return C.int64_t(d) }

// Version of the library that is running.
func Version() string { return C.GoString(C.creche_version_string()) }

// StatusName is the C name of a status.
func StatusName(status int32) string {
	return C.GoString(C.creche_status_name(C.creche_status(status)))
}

// LoopOpen opens a loop on a thread of its own.
func LoopOpen(offloadLimit uint32, busyPoll, stallAfter time.Duration, virtual bool, seed uint64, name string,
	kinds uint32, hook uint64, level uint32, log uint64, debug bool) Started {
	o := defaults.loop
	set(&o.offload_limit, offloadLimit)
	set(&o.busy_poll, nanoseconds(busyPoll))
	set(&o.stall_after, nanoseconds(stallAfter))
	if virtual {
		o.clock = C.CRECHE_CLOCK_VIRTUAL
	}
	if debug {
		o.flags |= C.CRECHE_LOOP_DEBUG
	}
	set(&o.shuffle_seed, seed)
	return answer(C.cx_loop_open(o, maybe(name), C.uint32_t(kinds), C.uint64_t(hook), C.uint32_t(level), C.uint64_t(log)))
}

// LoopClose ends a loop, at once or after a grace.
func LoopClose(loop uint64, grace time.Duration) Started {
	return answer(C.cx_loop_close(C.uint64_t(loop), nanoseconds(grace)))
}

// LoopJoin waits until a loop has ended. It blocks the thread.
func LoopJoin(loop uint64, timeout time.Duration) Started {
	return answer(C.cx_loop_join(C.uint64_t(loop), nanoseconds(timeout)))
}

// ClockHold keeps a virtual clock from jumping.
func ClockHold(loop uint64) int32 {
	return int32(C.creche_clock_hold(C.creche_loop{scope: C.creche_scope{id: C.uint64_t(loop)}}))
}

// ClockRelease gives one hold back.
func ClockRelease(loop uint64) int32 {
	return int32(C.creche_clock_release(C.creche_loop{scope: C.creche_scope{id: C.uint64_t(loop)}}))
}

// ClockAdvance moves a virtual clock.
func ClockAdvance(loop uint64, d time.Duration) int32 {
	return int32(C.creche_clock_advance(C.creche_loop{scope: C.creche_scope{id: C.uint64_t(loop)}}, nanoseconds(d)))
}

// Now is the clock of the loop of a scope.
func Now(scope uint64) (now int64, status int32) {
	var at C.int64_t
	status = int32(C.creche_now(C.creche_scope{id: C.uint64_t(scope)}, &at))
	return int64(at), status
}

// How a tree is dumped.
const (
	DumpText = C.CRECHE_DUMP_TEXT
	DumpJSON = C.CRECHE_DUMP_JSON
	DumpDOT  = C.CRECHE_DUMP_DOT
)

// LoopDump is the live tree in one of the formats.
func LoopDump(loop uint64, format uint32) (string, Started) {
	l := C.creche_loop{scope: C.creche_scope{id: C.uint64_t(loop)}}
	buffer := make([]byte, 16<<10)
	for {
		var size C.size_t
		status := C.creche_loop_dump(l, C.uint32_t(format), (*C.char)(unsafe.Pointer(&buffer[0])), C.size_t(len(buffer)), &size)
		if status == C.CRECHE_E_LIMIT && int(size) > len(buffer) {
			buffer = make([]byte, int(size)+4096)
			continue
		}
		if status != C.CRECHE_OK && status != C.CRECHE_E_LIMIT {
			return "", Started{Failure: &Failure{Status: int32(status), Message: "the loop cannot be dumped"}}
		}
		return C.GoString((*C.char)(unsafe.Pointer(&buffer[0]))), Started{}
	}
}

// QueueOpen opens a queue on a loop.
func QueueOpen(loop uint64) Started { return answer(C.cx_queue_open(C.uint64_t(loop))) }

// QueueClose refuses new routes to a queue; what was accepted is still delivered.
func QueueClose(queue uint64) Started { return answer(C.cx_queue_close(C.uint64_t(queue))) }

// QueueRelease gives a queue up.
func QueueRelease(queue uint64) { C.creche_queue_release(C.creche_queue{id: C.uint64_t(queue)}) }

// QueueFd is the descriptor of a queue, or a negative status.
func QueueFd(queue uint64) int {
	return int(C.creche_queue_fd(C.creche_queue{id: C.uint64_t(queue)}))
}

// Batch is room for drained completions, in C's memory.
type Batch struct {
	memory *[BatchSize]Event
	used   int
}

// NewBatch allocates a batch; Free gives it back.
func NewBatch() *Batch {
	return &Batch{memory: (*[BatchSize]Event)(C.calloc(BatchSize, C.sizeof_creche_completion))}
}

// Take releases what the batch holds and takes what there is, without waiting. The answer is a
// negative status when the queue is closed or gone.
func (b *Batch) Take(queue uint64) ([]Event, int32) {
	return b.taken(C.cx_take(C.uint64_t(queue), (*C.creche_completion)(unsafe.Pointer(b.memory)),
		C.size_t(b.used), BatchSize))
}

// Wait is Take that waits for the first completion. It blocks the thread.
func (b *Batch) Wait(queue uint64) ([]Event, int32) {
	return b.taken(C.cx_wait(C.uint64_t(queue), (*C.creche_completion)(unsafe.Pointer(b.memory)),
		C.size_t(b.used), BatchSize))
}

func (b *Batch) taken(n C.int64_t) ([]Event, int32) {
	b.used = 0
	if n < 0 {
		return nil, int32(n)
	}
	b.used = int(n)
	return b.memory[:n], 0
}

// Free releases what the batch holds, and its memory.
func (b *Batch) Free() {
	C.creche_completions_release((*C.creche_completion)(unsafe.Pointer(b.memory)), C.size_t(b.used))
	C.free(unsafe.Pointer(b.memory))
	b.memory, b.used = nil, 0
}

// ValueRelease releases whatever handle value is.
func ValueRelease(value uint64) { C.creche_value_release(C.uint64_t(value)) }

// ProbeBlocking is what creche_queue_wait answers on the loop's own thread. For the tests.
func ProbeBlocking(loop, queue uint64) int32 {
	return int32(C.cx_probe_blocking(C.uint64_t(loop), C.uint64_t(queue)))
}

// ProbeNull passes NULL where something is needed: 0 if each call is refused, with a message. For the tests.
func ProbeNull(loop uint64) int32 { return int32(C.cx_probe_null(C.uint64_t(loop))) }
