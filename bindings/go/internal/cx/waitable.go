package cx

/*
#include "shim.h"
*/
import "C"

import "time"

// LimiterOpen opens a limiter.
func LimiterOpen(loop uint64, total uint32, name string) Started {
	o := defaults.limiter
	o.total = C.uint32_t(total)
	return answer(C.cx_limiter_open(C.uint64_t(loop), o, maybe(name)))
}

// LimiterAcquire waits for a token.
func LimiterAcquire(limiter uint64, tail Tail, borrower uint64) Started {
	return answer(C.cx_limiter_acquire(C.uint64_t(limiter), tail.c(), C.uint64_t(borrower)))
}

// LimiterTry takes a token, the answer's ID, or none.
func LimiterTry(limiter, in, borrower uint64) Started {
	return answer(C.cx_limiter_try(C.uint64_t(limiter), C.uint64_t(in), C.uint64_t(borrower)))
}

// LimiterSetTotal changes the number of tokens.
func LimiterSetTotal(limiter uint64, total uint32) Started {
	return answer(C.cx_limiter_set_total(C.uint64_t(limiter), C.uint32_t(total)))
}

// LimiterState is its total, and how many tokens are borrowed and waited for.
func LimiterState(limiter uint64) (total, borrowed, waiting uint32, looked Started) {
	var s C.creche_limiter_state
	looked = answer(C.cx_limiter_state(C.uint64_t(limiter), &s))
	return uint32(s.total), uint32(s.borrowed), uint32(s.waiting), looked
}

// LimiterRelease gives a limiter up.
func LimiterRelease(limiter uint64) {
	C.creche_limiter_release(C.creche_limiter{id: C.uint64_t(limiter)})
}

// TokenMove makes a token a lease of another scope.
func TokenMove(token, to uint64) Started {
	return answer(C.cx_token_move(C.uint64_t(token), C.uint64_t(to)))
}

// TokenRelease gives a token back.
func TokenRelease(token uint64) { C.creche_token_release(C.creche_token{id: C.uint64_t(token)}) }

// RateOpen opens a rate limiter.
func RateOpen(loop uint64, permits, burst uint32, interval time.Duration, name string) Started {
	o := defaults.rate
	o.permits = C.uint32_t(permits)
	o.burst = C.uint32_t(burst)
	o.interval = nanoseconds(interval)
	return answer(C.cx_rate_open(C.uint64_t(loop), o, maybe(name)))
}

// RateAcquire waits for permits.
func RateAcquire(rate uint64, tail Tail, permits uint32) Started {
	return answer(C.cx_rate_acquire(C.uint64_t(rate), tail.c(), C.uint32_t(permits)))
}

// RateTry uses permits up, or none.
func RateTry(rate uint64, permits uint32) Started {
	return answer(C.cx_rate_try(C.uint64_t(rate), C.uint32_t(permits)))
}

// RatePause pauses up to a point of the loop's clock.
func RatePause(rate uint64, until int64) Started {
	return answer(C.cx_rate_pause(C.uint64_t(rate), C.int64_t(until)))
}

// RateResume ends a pause.
func RateResume(rate uint64) Started { return answer(C.cx_rate_resume(C.uint64_t(rate))) }

// RateLook is a look at a rate limiter. Times are points of the loop's clock.
type RateLook struct {
	Available, Waiting uint32
	Next, PausedUntil  int64
}

// RateState looks at a rate limiter.
func RateState(rate uint64) (RateLook, Started) {
	var s C.creche_rate_state
	looked := answer(C.cx_rate_state(C.uint64_t(rate), &s))
	return RateLook{uint32(s.available), uint32(s.waiting), int64(s.next), int64(s.paused_until)}, looked
}

// RateRelease gives a rate limiter up.
func RateRelease(rate uint64) { C.creche_rate_release(C.creche_rate{id: C.uint64_t(rate)}) }

// EventOpen opens an event.
func EventOpen(loop uint64, name string) Started {
	return answer(C.cx_event_open(C.uint64_t(loop), defaults.event, maybe(name)))
}

// EventWait waits until an event is set.
func EventWait(event uint64, tail Tail) Started {
	return answer(C.cx_event_wait(C.uint64_t(event), tail.c()))
}

// EventSet sets an event.
func EventSet(event uint64) Started { return answer(C.cx_event_set(C.uint64_t(event))) }

// EventIsSet is 1, 0, or a negative status.
func EventIsSet(event uint64) int32 {
	return int32(C.creche_event_is_set(C.creche_event{id: C.uint64_t(event)}))
}

// EventRelease gives an event up.
func EventRelease(event uint64) { C.creche_event_release(C.creche_event{id: C.uint64_t(event)}) }

// ChannelOpen opens a channel: the answer's ID is its sender.
func ChannelOpen(loop uint64, capacity uint32, name string) (opened Started, receiver uint64) {
	var other C.uint64_t
	o := defaults.channel
	o.capacity = C.uint32_t(capacity)
	opened = answer(C.cx_channel_open(C.uint64_t(loop), o, maybe(name), &other))
	return opened, uint64(other)
}

// ChannelSend sends an item.
func ChannelSend(sender uint64, tail Tail, item uint64) Started {
	return answer(C.cx_channel_send(C.uint64_t(sender), tail.c(), C.uint64_t(item)))
}

// ChannelTrySend sends an item now, or not.
func ChannelTrySend(sender, item uint64) Started {
	return answer(C.cx_channel_try_send(C.uint64_t(sender), C.uint64_t(item)))
}

// ChannelReceive receives an item, or End.
func ChannelReceive(receiver uint64, tail Tail) Started {
	return answer(C.cx_channel_receive(C.uint64_t(receiver), tail.c()))
}

// ChannelTryReceive receives an item, the answer's ID, or none.
func ChannelTryReceive(receiver uint64) Started {
	return answer(C.cx_channel_try_receive(C.uint64_t(receiver)))
}

// ChannelPutBack puts an item in front of all others.
func ChannelPutBack(receiver, item uint64) Started {
	return answer(C.cx_channel_put_back(C.uint64_t(receiver), C.uint64_t(item)))
}

// ChannelClone is another handle of a side.
func ChannelClone(end uint64, sends bool) Started {
	return answer(C.cx_channel_clone(C.uint64_t(end), C.int32_t(flag(sends))))
}

// ChannelState is creche_channel_state from items on, in its order.
func ChannelState(end uint64, sends bool) (values [6]uint32, looked Started) {
	var s C.creche_channel_state
	looked = answer(C.cx_channel_state(C.uint64_t(end), C.int32_t(flag(sends)), &s))
	return [6]uint32{uint32(s.items), uint32(s.capacity), uint32(s.senders), uint32(s.receivers),
		uint32(s.sending), uint32(s.receiving)}, looked
}

// ChannelRelease gives a handle of a side up.
func ChannelRelease(end uint64, sends bool) {
	if sends {
		C.creche_sender_release(C.creche_sender{id: C.uint64_t(end)})
	} else {
		C.creche_receiver_release(C.creche_receiver{id: C.uint64_t(end)})
	}
}
