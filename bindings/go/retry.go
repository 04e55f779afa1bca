package creche

import (
	"time"

	"libcreche/creche/internal/cx"
)

// Retry is a policy, of a session or of a request: a request is made again after a failure that may
// pass, or an answer that says so, if nothing can happen twice and its body is there. 0 is the default.
type Retry struct {
	Attempts      int           // in all, with the first; 3
	Budget        int           // retries for a hundred requests of the session; 20; negative: any number
	Delay         time.Duration // the most that is waited before the second attempt, doubled each time; 100 ms
	MaxDelay      time.Duration // 10 s
	MaxRetryAfter time.Duration // a Retry-After that says more counts as this; 60 s; negative: it is not looked at
	NoJitter      bool          // wait for the whole delay each time
	AnyMethod     bool          // a POST or PATCH, too, may be made twice
	Statuses      []int         // of 400 to 599; nil: 408, 429, 502, 503, 504
}

func (r *Retry) c() *cx.Retry {
	if r == nil {
		return nil
	}
	c := &cx.Retry{Attempts: uint32(max(r.Attempts, 0)), Budget: uint32(max(r.Budget, 0)), Delay: r.Delay, MaxDelay: r.MaxDelay}
	if r.Budget < 0 {
		c.Flags |= cx.RetryNoBudget
	}
	if r.NoJitter {
		c.Flags |= cx.RetryNoJitter
	}
	if r.AnyMethod {
		c.Flags |= cx.RetryAnyMethod
	}
	if r.MaxRetryAfter != 0 {
		most := max(r.MaxRetryAfter, 0)
		c.MaxRetryAfter = &most
	}
	if r.Statuses != nil {
		c.Statuses = make([]uint16, 0, len(r.Statuses))
		for _, status := range r.Statuses {
			c.Statuses = append(c.Statuses, uint16(min(max(status, 0), 1000)))
		}
	}
	return c
}
