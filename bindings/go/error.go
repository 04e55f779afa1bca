package creche

import (
	"context"
	"fmt"
	"strings"
	"syscall"

	"libcreche/creche/internal/cx"
)

// Error is a failure of the library. errors.Is compares it with a Status, with context.Canceled and
// context.DeadlineExceeded; errors.As finds the errors that goroutines of a group returned.
type Error struct {
	Status     Status
	Phase      Phase
	Reason     Reason // of a cancellation
	ReasonText string
	Message    string
	Errno      syscall.Errno // of the system call that failed, or 0
	TLSVerify  int           // X509_V_ERR_* of a certificate that failed, or 0
	HTTPStatus int
	HTTPBody   []byte       // ErrHTTPStatus: the start of the answer's body, up to 4096 bytes
	Attempts   int          // how often a Retry let the request be made, the first time counted
	SQLState   string       // five characters, or empty
	Server     *ServerError // what a PostgreSQL server said
	Children   []error      // ErrGroup: the failures, in the order of completion
	Dropped    int          // failures over the group's limit: counted, not kept
	Cause      error

	flags uint32
	ctx   [2]error // the context's error and cause, if it stopped the operation
}

// ServerError holds the fields of a PostgreSQL server's message.
type ServerError struct {
	Severity, Message, Detail, Hint, Context             string
	Schema, Table, Column, Datatype, Constraint, Routine string
	Position                                             int // character in the statement, from 1, or 0
}

// Error is the library's message; that of a group lists its children.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("creche: ")
	if e.Message != "" {
		b.WriteString(e.Message)
	} else {
		b.WriteString(e.Status.String())
	}
	if e.SQLState != "" {
		fmt.Fprintf(&b, " (SQLSTATE %s)", e.SQLState)
	}
	for i, child := range e.Children {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(wordsOf(child))
	}
	if e.Dropped > 0 {
		fmt.Fprintf(&b, "; and %d more", e.Dropped)
	}
	return b.String()
}

// Unwrap is the failures below, the cause, and the error of the context that stopped it.
func (e *Error) Unwrap() []error {
	if len(e.Children) == 0 && e.Cause == nil && e.ctx[0] == nil {
		return nil
	}
	all := append([]error(nil), e.Children...)
	if e.Cause != nil {
		all = append(all, e.Cause)
	}
	for i, err := range e.ctx {
		if err != nil && (i == 0 || err != e.ctx[0]) && err != error(e) {
			all = append(all, err)
		}
	}
	return all
}

// Is compares with a Status, context.Canceled and context.DeadlineExceeded.
func (e *Error) Is(target error) bool {
	switch t := target.(type) {
	case Status:
		return e.Status == t
	default:
		switch target {
		case context.Canceled:
			return e.Status == ErrCancelled && !e.Timeout()
		case context.DeadlineExceeded:
			return e.Timeout()
		}
	}
	return false
}

// Timeout is true if a deadline ran out: its own, or that of what it was part of.
func (e *Error) Timeout() bool {
	return e.Status == ErrTimeout ||
		e.Status == ErrCancelled && (e.Reason == ReasonDeadline || e.ctx[0] == context.DeadlineExceeded)
}

// Temporary is Retryable, for net.Error.
func (e *Error) Temporary() bool { return e.Retryable() }

// Retryable is true if the same call may well succeed later, and doing it again is safe. A group is
// retryable if all of its failures are.
func (e *Error) Retryable() bool {
	if e.Status != ErrGroup {
		return e.flags&cx.Retryable != 0
	}
	for _, child := range e.Children {
		if r, ok := child.(interface{ Retryable() bool }); !ok || !r.Retryable() {
			return false
		}
	}
	return len(e.Children) > 0 && e.Dropped == 0
}

// Unsent is true if nothing of the request or statement reached the server.
func (e *Error) Unsent() bool { return e.flags&cx.Unsent != 0 }

// newError makes an Error; foreign finds the Go error behind a cookie (it may be nil).
func newError(f *cx.Failure, foreign func(cookie uintptr) error) *Error {
	e := &Error{
		Status:     Status(f.Status),
		Phase:      Phase(f.Phase),
		Reason:     Reason(f.Reason),
		ReasonText: f.ReasonText,
		Message:    f.Message,
		TLSVerify:  int(f.TLSVerify),
		HTTPStatus: int(f.HTTPStatus),
		HTTPBody:   f.HTTPBody,
		Attempts:   f.Attempts,
		SQLState:   f.SQLState,
		Dropped:    f.Dropped,
		flags:      f.Flags,
	}
	if e.Status != ErrDNS && f.Errno > 0 {
		e.Errno = syscall.Errno(f.Errno)
	}
	if f.Server != nil {
		server := ServerError(*f.Server)
		e.Server = &server
	}
	if f.Cause != nil {
		e.Cause = errorOf(f.Cause, foreign)
	} else if e.Errno != 0 {
		e.Cause = e.Errno
	}
	for _, child := range f.Children {
		e.Children = append(e.Children, errorOf(child, foreign))
	}
	return e
}

// errorOf is the Go error behind a failure, or a new Error.
func errorOf(f *cx.Failure, foreign func(cookie uintptr) error) error {
	if f.Cookie != 0 && foreign != nil {
		if err := foreign(f.Cookie); err != nil {
			return err
		}
	}
	return newError(f, foreign)
}

// inContext says which context stopped an operation, if one did.
func (e *Error) inContext(ctx context.Context) *Error {
	if e.Status == ErrCancelled {
		if err := ctx.Err(); err != nil {
			e.ctx = [2]error{err, context.Cause(ctx)}
		}
	}
	return e
}

// cancelledError is the error of an operation that did not start because its context was over.
func cancelledError(ctx context.Context) *Error {
	e := &Error{Status: ErrCancelled, Reason: ReasonExplicit, Message: "the context is over: " + ctx.Err().Error()}
	if ctx.Err() == context.DeadlineExceeded {
		e.Reason = ReasonDeadline
	}
	return e.inContext(ctx)
}

// wordsOf is the text of somebody's error. Its methods may panic: a nil pointer in an error is a common
// mistake.
func wordsOf(err error) (text string) {
	defer func() {
		if recover() != nil || text == "" {
			text = fmt.Sprintf("an error without a text (%T)", err)
		}
	}()
	return err.Error()
}

// PanicError is a panic of a goroutine of a group. Run panics with it again.
type PanicError struct {
	Value any
	Stack []byte
}

// Error shows the value and where it came from.
func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", p.Value, p.Stack) }

// Unwrap is the value, if it is an error.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
