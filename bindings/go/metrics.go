package creche

import "libcreche/creche/internal/cx"

// Metrics is all counters and histograms of loops, and of the sessions, pools and groups on them, in the text
// format of Prometheus, to be served as "text/plain; version=0.0.4; charset=utf-8". Labels are the names that
// were given to loops, groups, sessions and pools; no URL, host or DSN stands there.
func Metrics(loops ...*Loop) (string, error) {
	ids := make([]uint64, len(loops))
	for i, l := range loops {
		ids[i] = l.id
	}
	text, failure := cx.Metrics(ids)
	if failure != nil {
		return "", newError(failure, nil)
	}
	return text, nil
}

// SetName names a session for Metrics.
func (s *Session) SetName(name string) error { return failed(cx.SessionSetName(s.id, name)) }

// SetName names a pool for Metrics.
func (p *Pool) SetName(name string) error { return failed(cx.PoolSetName(p.id, name)) }

func failed(failure *cx.Failure) error {
	if failure != nil {
		return newError(failure, nil)
	}
	return nil
}

// Threads is how the threads of the library are made.
type Threads struct {
	StackSize uint64 // bytes of the stack of each; 0: the system's default
	Prefix    string // what their names begin with; "": "creche"
	Workers   uint32 // of each kind of work that would block a loop, for each loop, at the most; 0: as the library likes
}

// SetThreads says how threads are made from now on, in this process; Workers counts for loops that are opened
// after it.
func SetThreads(t Threads) error { return failed(cx.SetThreads(t.StackSize, t.Prefix, t.Workers)) }
