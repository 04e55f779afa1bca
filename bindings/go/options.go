package creche

import (
	"time"

	"libcreche/creche/internal/cx"
)

// Option bounds a group, a child of one, or a scope.
type Option interface{ apply(*bounds) }

type bounds struct {
	cx.Bounds
	name string
}

type option func(*bounds)

func (o option) apply(b *bounds) { o(b) }

func boundsOf(options []Option) bounds {
	var b bounds
	for _, o := range options {
		o.apply(&b)
	}
	return b
}

// Policy says what the failure of a child does to the others. It is an option of Run.
type Policy uint32

const (
	// FailFast, the default: the first failure cancels the siblings.
	FailFast Policy = cx.FailFast
	// Collect: failures are results (Group.Errors), the group itself does not fail.
	Collect Policy = cx.Collect
	// Race: the first success cancels the rest; failures count only if nobody succeeds.
	Race Policy = cx.Race
)

func (p Policy) apply(b *bounds) { b.Policy = uint32(p) }

// Limit is how many children of a group run at a time; the others wait, first come, first served.
func Limit(n int) Option { return option(func(b *bounds) { b.Limit = uint32(max(n, 0)) }) }

// Timeout bounds a group, a child or a scope, waiting for a limit included. When it runs out, all
// that is inside is cancelled, and the end is a failure: ErrTimeout, context.DeadlineExceeded.
func Timeout(d time.Duration) Option {
	return option(func(b *bounds) { b.Timeout = max(d, 1) })
}

// Grace says how long the children of a group may take to end once they are cancelled, before the
// loop's hook is told which of them do not (HookStalled). Nothing is done about it.
func Grace(d time.Duration) Option {
	return option(func(b *bounds) { b.Bounds.Grace = max(d, 1) })
}

// MoveOn makes a timeout cut work short without being a failure.
func MoveOn() Option { return option(func(b *bounds) { b.OnTimeout = cx.MoveOn }) }

// Shielded keeps cancellation from outside out.
func Shielded() Option { return option(func(b *bounds) { b.Bounds.Shield = true }) }

// Name is what dumps and errors call it.
func Name(name string) Option { return option(func(b *bounds) { b.name = name }) }

// MaxErrors is how many failures a group keeps; more are only counted.
func MaxErrors(n int) Option { return option(func(b *bounds) { b.MaxErrors = uint32(max(n, 0)) }) }

// orZero is what was given, or all defaults.
func orZero[T any](options *T) (o T) {
	if options != nil {
		o = *options
	}
	return o
}
