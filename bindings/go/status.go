package creche

import "libcreche/creche/internal/cx"

// Status says how an operation ended. It is an error of its own, so that errors.Is(err,
// creche.ErrTimeout) asks for it wherever it is in a tree of failures.
type Status int32

// The statuses of the library. Numbers are fixed.
const (
	ErrInvalid        Status = -1
	ErrBadHandle      Status = -2
	ErrEnded          Status = -3 // the scope, group or connection that it was for has ended
	ErrClosed         Status = -4
	ErrWrongLoop      Status = -5
	ErrWouldDeadlock  Status = -6
	ErrInterrupted    Status = -7
	ErrForked         Status = -8
	ErrUnsupported    Status = -9
	ErrState          Status = -10
	ErrBusy           Status = -11
	ErrNoMemory       Status = -12
	ErrLimit          Status = -13
	ErrInternal       Status = -14
	ErrSystem         Status = -15
	ErrCancelled      Status = -20
	ErrTimeout        Status = -21
	ErrGroup          Status = -22
	ErrMisnested      Status = -23
	ErrNotCancelled   Status = -24
	ErrUser           Status = -25
	ErrNotStarted     Status = -26
	ErrURL            Status = -40
	ErrDNS            Status = -41
	ErrConnect        Status = -42
	ErrTLS            Status = -43
	ErrTLSVerify      Status = -44
	ErrDisconnected   Status = -45
	ErrProtocol       Status = -46
	ErrTruncated      Status = -47
	ErrCoding         Status = -48
	ErrBody           Status = -49
	ErrRedirect       Status = -50
	ErrHTTPStatus     Status = -51
	ErrProxy          Status = -55
	ErrPG             Status = -60
	ErrOutcomeUnknown Status = -61
	ErrRolledBack     Status = -62
	ErrType           Status = -63
	ErrNull           Status = -64
)

// String is the status's name in C.
func (s Status) String() string { return cx.StatusName(int32(s)) }

// Error is its name, too.
func (s Status) Error() string { return "creche: " + s.String() }

// Phase says where an operation was when it failed.
type Phase uint32

// The phases of operations.
const (
	PhaseNone Phase = iota
	PhaseLimit
	PhasePool
	PhaseDNS
	PhaseConnect
	PhaseTLS
	PhaseSend
	PhaseHeaders
	PhaseBody
	PhaseAuth
	PhaseQuery
	PhaseCommit
	PhaseRollback
	PhaseReset
	PhaseTask
	PhaseClose
	PhaseOptions
	PhaseProxy
)

var phaseNames = [...]string{"", "limit", "pool", "dns", "connect", "tls", "send", "headers", "body", "auth",
	"query", "commit", "rollback", "reset", "task", "close", "options", "proxy"}

// String is the phase in one word.
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return "?"
}

// Reason says why a scope was cancelled.
type Reason uint32

// The reasons of cancellations.
const (
	ReasonNone Reason = iota
	ReasonDeadline
	ReasonExplicit
	ReasonSibling
	ReasonRace
	ReasonShutdown
	ReasonInterrupt
	ReasonFinished
	ReasonMisnested
)

var reasonNames = [...]string{"", "deadline", "explicit", "a sibling failed", "a sibling won", "shutdown",
	"interrupt", "its task has finished", "its task left it open"}

// String is the reason in a few words.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "?"
}
