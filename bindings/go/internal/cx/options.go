package cx

/*
#include "shim.h"
*/
import "C"

// How options go to C: a call copies the defaults of the header's own struct, sets what is given and
// passes it by value. Texts, and other options that it would point to, go beside it.
var defaults struct {
	loop        C.creche_loop_options
	group       C.creche_group_options
	task        C.creche_task_options
	session     C.creche_session_options
	request     C.creche_request_options
	events      C.creche_events_options
	websocket   C.creche_websocket_options
	retry       C.creche_retry
	tls         C.creche_tls_options
	pool        C.creche_pool_options
	query       C.creche_query_options
	transaction C.creche_transaction_options
	limiter     C.creche_limiter_options
	rate        C.creche_rate_options
	event       C.creche_event_options
	channel     C.creche_channel_options
}

func init() {
	d := &defaults
	C.creche_loop_options_init(&d.loop, C.sizeof_creche_loop_options)
	C.creche_group_options_init(&d.group, C.sizeof_creche_group_options)
	C.creche_task_options_init(&d.task, C.sizeof_creche_task_options)
	C.creche_session_options_init(&d.session, C.sizeof_creche_session_options)
	C.creche_request_options_init(&d.request, C.sizeof_creche_request_options)
	C.creche_tls_options_init(&d.tls, C.sizeof_creche_tls_options)
	C.creche_events_options_init(&d.events, C.sizeof_creche_events_options)
	C.creche_websocket_options_init(&d.websocket, C.sizeof_creche_websocket_options)
	C.creche_retry_init(&d.retry, C.sizeof_creche_retry)
	C.creche_pool_options_init(&d.pool, C.sizeof_creche_pool_options)
	C.creche_query_options_init(&d.query, C.sizeof_creche_query_options)
	C.creche_transaction_options_init(&d.transaction, C.sizeof_creche_transaction_options)
	C.creche_limiter_options_init(&d.limiter, C.sizeof_creche_limiter_options)
	C.creche_rate_options_init(&d.rate, C.sizeof_creche_rate_options)
	C.creche_event_options_init(&d.event, C.sizeof_creche_event_options)
	C.creche_channel_options_init(&d.channel, C.sizeof_creche_channel_options)
}

// set gives a field a value; 0 is none given, which leaves the default.
func set[F ~uint32 | ~uint64 | ~int64, V ~uint32 | ~uint64 | ~int64](field *F, value V) {
	if value != 0 {
		*field = F(value)
	}
}

// setTo is the same where 0 is a value, too, and nil is none given.
func setTo[F ~uint32](field *F, value *uint32) {
	if value != nil {
		*field = F(*value)
	}
}

// flag of C: 1 or 0.
func flag(is bool) C.uint32_t {
	if is {
		return 1
	}
	return 0
}
