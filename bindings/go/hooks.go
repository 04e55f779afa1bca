package creche

import (
	"time"

	"libcreche/creche/internal/cx"
)

// HookKind says what happened.
type HookKind uint32

// Kinds of events of a loop.
const (
	HookSpawned   HookKind = cx.HookSpawned   // a task, group or scope was started or opened
	HookStarted   HookKind = cx.HookStarted   // a task begins to run: no limit holds it back any more
	HookEnded     HookKind = cx.HookEnded     // a task, group or scope has ended
	HookCancelled HookKind = cx.HookCancelled // a scope was cancelled itself; not told for those below it
	HookStalled   HookKind = cx.HookStalled   // a callback blocks the loop, or a child overstays a Grace
	HookLeaked    HookKind = cx.HookLeaked    // the loop has ended, and this was never closed
)

// NodeKind says what it happened to. There may be more than these.
type NodeKind uint32

// Kinds of what lives in a loop.
const (
	NodeLoop       NodeKind = cx.KindLoop
	NodeScope      NodeKind = cx.KindScope
	NodeGroup      NodeKind = cx.KindGroup
	NodeOperation  NodeKind = cx.KindOperation // a request, a query
	NodeSleep      NodeKind = cx.KindSleep
	NodeTask       NodeKind = cx.KindExternal // a child of a group: a goroutine
	NodeStart      NodeKind = cx.KindStart    // a child that says when it is ready
	NodeWait       NodeKind = cx.KindWait     // for a limiter, a rate, an event or a channel
	NodeSession    NodeKind = cx.KindSession
	NodeResponse   NodeKind = cx.KindResponse
	NodePool       NodeKind = cx.KindPool
	NodeConnection NodeKind = cx.KindConnection
	NodeRows       NodeKind = cx.KindRows
)

// HookEvent is something that happened in a loop.
type HookEvent struct {
	Kind     HookKind
	Node     NodeKind
	Status   Status        // ended: 0, or how it failed
	Reason   Reason        // cancelled: why
	ID       uint64        // the number of what it is about, as in dumps; it may have ended. 0: none
	Parent   uint64        // what it is in
	By       uint64        // cancelled: who did it
	Time     time.Duration // when, on the loop's clock
	Duration time.Duration // ended, leaked: its age; stalled: for how long at least; negative: unknown
	Name     string
	Site     string
	Text     string // cancelled: the text of an explicit one
}

// hook has C call the user's function, for the kinds asked for; none: for all.
func hook(tell func(*HookEvent), kinds []HookKind) (number uint64, mask uint32) {
	if tell == nil {
		return 0, 0
	}
	for _, kind := range kinds {
		mask |= 1 << kind
	}
	if len(kinds) == 0 {
		mask = 1<<(HookLeaked+1) - 1
	}
	return cx.Hook(func(e *cx.HookEvent) {
		tell(&HookEvent{Kind: HookKind(e.Event), Node: NodeKind(e.Kind), Status: Status(e.Status),
			Reason: Reason(e.Reason), ID: e.ID, Parent: e.Parent, By: e.By, Time: time.Duration(e.Time),
			Duration: time.Duration(e.Duration), Name: e.Name, Site: e.Site, Text: e.Text})
	}), mask
}
