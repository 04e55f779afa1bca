package cx

/*
#include "shim.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// Flags of retry policies.
const (
	RetryAnyMethod = C.CRECHE_RETRY_ANY_METHOD
	RetryNoJitter  = C.CRECHE_RETRY_NO_JITTER
	RetryNoBudget  = C.CRECHE_RETRY_NO_BUDGET
)

// Retry is a policy; 0 and nil are the library's defaults.
type Retry struct {
	Flags, Attempts, Budget uint32
	Delay, MaxDelay         time.Duration
	MaxRetryAfter           *time.Duration
	Statuses                []uint16 // not nil and empty: none
}

// c is the policy as the shim wants it: none if its size is 0; and its statuses.
func (r *Retry) c() (c C.creche_retry, statuses *C.uint16_t) {
	if r == nil {
		return c, nil
	}
	c = defaults.retry
	c.flags = C.uint32_t(r.Flags)
	set(&c.attempts, r.Attempts)
	set(&c.budget, r.Budget)
	set(&c.delay, r.Delay)
	set(&c.max_delay, r.MaxDelay)
	if r.MaxRetryAfter != nil {
		c.max_retry_after = nanoseconds(*r.MaxRetryAfter)
	}
	if r.Statuses != nil {
		c.statuses_count = C.size_t(len(r.Statuses))
		all := append([]uint16{}, append(r.Statuses, 0)...) // never empty: it has an address
		statuses = (*C.uint16_t)(unsafe.Pointer(&all[0]))
	}
	return c, statuses
}
