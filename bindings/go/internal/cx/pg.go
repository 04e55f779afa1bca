package cx

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// What QueryStart starts, and the steps of a transaction.
const (
	PoolQuery          = C.CX_POOL_QUERY
	PoolStream         = C.CX_POOL_STREAM
	ConnectionQuery    = C.CX_CONNECTION_QUERY
	ConnectionStream   = C.CX_CONNECTION_STREAM
	Script             = C.CX_SCRIPT
	BeginStep          = C.CX_BEGIN
	ListenNotification = C.CRECHE_LISTEN_NOTIFICATION
	ListenStarted      = C.CRECHE_LISTEN_STARTED
	ListenGap          = C.CRECHE_LISTEN_GAP
	PoolRows           = C.CX_POOL_ROWS
	ConnectionRows     = C.CX_CONNECTION_ROWS
	PoolCopyRows       = C.CX_POOL_COPY_ROWS
	ConnCopyRows       = C.CX_CONNECTION_COPY_ROWS
	PoolCopyIn         = C.CX_POOL_COPY_IN
	PoolCopyOut        = C.CX_POOL_COPY_OUT
	ConnectionCopyIn   = C.CX_CONNECTION_COPY_IN
	ConnectionCopyOut  = C.CX_CONNECTION_COPY_OUT
	CommitStep         = C.CX_COMMIT
	RollbackStep       = C.CX_ROLLBACK

	PoolNoPrepare   = C.CRECHE_POOL_NO_PREPARE
	PoolNoPipeline  = C.CRECHE_POOL_NO_PIPELINE
	QueryNoPrepare  = C.CRECHE_QUERY_NO_PREPARE
	QueryAlone      = C.CRECHE_QUERY_ALONE
	ResetNone       = C.CRECHE_RESET_NONE
	ReadOnly        = C.CRECHE_TRANSACTION_READ_ONLY
	Deferrable      = C.CRECHE_TRANSACTION_DEFERRABLE
	ReadCommitted   = C.CRECHE_READ_COMMITTED
	ReadUncommitted = C.CRECHE_READ_UNCOMMITTED
	ReadWrite       = C.CRECHE_TRANSACTION_READ_WRITE
	NotDeferrable   = C.CRECHE_TRANSACTION_NOT_DEFERRABLE
	RepeatableRead  = C.CRECHE_REPEATABLE_READ
	Serializable    = C.CRECHE_SERIALIZABLE
)

// Types with a form of their own, and forms of values.
const (
	OIDUnknown     = C.CRECHE_PG_UNKNOWN
	OIDBool        = C.CRECHE_PG_BOOL
	OIDBytea       = C.CRECHE_PG_BYTEA
	OIDInt8        = C.CRECHE_PG_INT8
	OIDInt2        = C.CRECHE_PG_INT2
	OIDInt4        = C.CRECHE_PG_INT4
	OIDText        = C.CRECHE_PG_TEXT
	OIDJSON        = C.CRECHE_PG_JSON
	OIDFloat4      = C.CRECHE_PG_FLOAT4
	OIDFloat8      = C.CRECHE_PG_FLOAT8
	OIDDate        = C.CRECHE_PG_DATE
	OIDTimestamp   = C.CRECHE_PG_TIMESTAMP
	OIDTimestampTZ = C.CRECHE_PG_TIMESTAMPTZ
	OIDNumeric     = C.CRECHE_PG_NUMERIC
	OIDUUID        = C.CRECHE_PG_UUID
	OIDJSONB       = C.CRECHE_PG_JSONB
	OIDOid         = 26

	FormNull    = C.CRECHE_VALUE_NULL
	FormText    = C.CRECHE_VALUE_TEXT
	FormBinary  = C.CRECHE_VALUE_BINARY
	FormInteger = C.CRECHE_VALUE_INTEGER
	FormReal    = C.CRECHE_VALUE_REAL
)

// PoolOptions: nil and 0 are the library's defaults.
type PoolOptions struct {
	Flags                                                                    uint32
	InitialSize, MinSize, MaxSize, MaxWaiting, MaxUses, PipelineDepth, Reset uint32
	StatementCache                                                           *uint32
	ConnectTimeout, AcquireTimeout, IdleTimeout                              time.Duration
	MaxLifetime, CancelTimeout, StatementLifetime                            time.Duration
	CommandTimeout                                                           time.Duration
	ApplicationName, Init, Setup                                             string
	Calls                                                                    *PoolCalls
}

// PoolOpen opens a pool on a loop; an empty dsn is the environment.
func PoolOpen(loop uint64, dsn string, po PoolOptions) Started {
	if refused := whole("the DSN, application name, init or setup", dsn, po.ApplicationName, po.Init, po.Setup); refused != nil {
		return Started{Failure: refused}
	}
	o := defaults.pool
	o.flags = C.uint32_t(po.Flags)
	set(&o.initial_size, po.InitialSize)
	set(&o.min_size, po.MinSize)
	set(&o.max_size, po.MaxSize)
	set(&o.max_waiting, po.MaxWaiting)
	set(&o.max_uses, po.MaxUses)
	set(&o.pipeline_depth, po.PipelineDepth)
	set(&o.reset, po.Reset)
	setTo(&o.statement_cache, po.StatementCache)
	set(&o.connect_timeout, po.ConnectTimeout)
	set(&o.acquire_timeout, po.AcquireTimeout)
	set(&o.idle_timeout, po.IdleTimeout)
	set(&o.max_lifetime, po.MaxLifetime)
	set(&o.cancel_timeout, po.CancelTimeout)
	set(&o.statement_lifetime, po.StatementLifetime)
	set(&o.command_timeout, po.CommandTimeout)
	return answer(C.cx_pool_open(C.uint64_t(loop), o, maybe(dsn), maybe(po.ApplicationName), maybe(po.Init), maybe(po.Setup),
		C.uint64_t(po.Calls.number), C.uint32_t(po.Calls.which())))
}

// PoolResize changes the sizes of a pool.
func PoolResize(pool uint64, min, max uint32) Started {
	return answer(C.cx_pool_resize(C.uint64_t(pool), C.uint32_t(min), C.uint32_t(max)))
}

// PoolExpire has none of a pool's connections given out again.
func PoolExpire(pool uint64) Started { return answer(C.cx_pool_expire(C.uint64_t(pool))) }

// PoolTimings are those of creche_pool_timings, in its order.
func PoolTimings(pool uint64) (values [3]Histogram, status int32) {
	var t C.creche_pool_timings
	status = int32(C.creche_pool_get_timings(C.creche_pool{id: C.uint64_t(pool)}, &t, C.sizeof_creche_pool_timings))
	for i, h := range []*C.creche_histogram{&t.acquire, &t.connect, &t.query} {
		values[i] = *(*Histogram)(unsafe.Pointer(h))
	}
	return values, status
}

// PoolRelease closes a pool.
func PoolRelease(pool uint64) { C.creche_pool_release(C.creche_pool{id: C.uint64_t(pool)}) }

// PoolCounters are those of creche_pool_counters, in its order.
func PoolCounters(pool uint64) (values [22]uint64, status int32) {
	var c C.creche_pool_counters
	status = int32(C.creche_pool_get_counters(C.creche_pool{id: C.uint64_t(pool)}, &c,
		C.sizeof_creche_pool_counters))
	values = [22]uint64{uint64(c.connections), uint64(c.idle), uint64(c.leased), uint64(c.waiting),
		uint64(c.connects), uint64(c.statements), uint64(c.pipelined), uint64(c.prepares),
		uint64(c.cancels), uint64(c.resent), uint64(c.dropped), uint64(c.acquires),
		uint64(c.empty_acquires), uint64(c.cancelled_acquires), uint64(c.waited), uint64(c.min_size), uint64(c.max_size),
		uint64(c.connecting), uint64(c.connect_failures), uint64(c.refused_acquires),
		uint64(c.timed_out_acquires), uint64(c.retired)}
	return values, status
}

// Value is a parameter of a statement; its bytes lie in the Query's text.
type Value struct {
	Type    uint32
	Form    uint32
	Integer int64
	Real    float64
	offset  uint64
	size    uint64
}

var _ = [1]struct{}{}[unsafe.Sizeof(Value{})-C.sizeof_cx_value]

// Query is a statement with its parameters, ready for the crossing. It may be used again.
type Query struct {
	text    []byte
	args    []Value
	refused *Failure
	MaxRows uint32 // 0: all
	names   []byte // each with its NUL; none: numbers
}

// SQL sets the statement; it comes first.
func (q *Query) SQL(sql string) {
	q.text = append(append(q.text[:0], sql...), 0)
	q.args, q.refused, q.MaxRows, q.names = q.args[:0], whole("the statement", sql), 0, nil
}

// Null, Integer, Real, Text and Bytes add a parameter.
func (q *Query) Null() { q.args = append(q.args, Value{}) }

// Integer adds a whole number, a bool or a point in time.
func (q *Query) Integer(oid uint32, i int64) {
	q.args = append(q.args, Value{Type: oid, Form: FormInteger, Integer: i})
}

// Real adds a float.
func (q *Query) Real(oid uint32, r float64) {
	q.args = append(q.args, Value{Type: oid, Form: FormReal, Real: r})
}

// Text adds PostgreSQL's text form of a value.
func (q *Query) Text(oid uint32, s string) {
	q.args = append(q.args, Value{Type: oid, Form: FormText, offset: uint64(len(q.text)), size: uint64(len(s))})
	q.text = append(q.text, s...)
}

// Bytes adds a value in the form given.
func (q *Query) Bytes(oid, form uint32, b []byte) {
	q.args = append(q.args, Value{Type: oid, Form: form, offset: uint64(len(q.text)), size: uint64(len(b))})
	q.text = append(q.text, b...)
}

// Name names the next parameter: all of them, or none.
func (q *Query) Name(name string) {
	if q.refused == nil {
		q.refused = whole("the name of a parameter", name)
	}
	q.names = append(append(q.names, name...), 0)
}

// QueryStart starts a statement on a pool or connection.
func QueryStart(what int32, handle uint64, tail Tail, q *Query) Started {
	if q.refused != nil {
		return Started{Failure: q.refused}
	}
	o := defaults.query
	o.max_rows = C.uint32_t(q.MaxRows)
	return answer(C.cx_query_start(C.int32_t(what), C.uint64_t(handle), tail.c(), o,
		(*C.char)(unsafe.Pointer(&q.text[0])), (*C.cx_value)(unsafe.Pointer(unsafe.SliceData(q.args))),
		C.size_t(len(q.args)), (*C.char)(unsafe.Pointer(unsafe.SliceData(q.names)))))
}

// CopyStart starts a COPY on a pool or connection.
func CopyStart(what int32, handle uint64, tail Tail, q *Query) Started {
	if q.refused != nil {
		return Started{Failure: q.refused}
	}
	return answer(C.cx_copy_start(C.int32_t(what), C.uint64_t(handle), tail.c(), (*C.char)(unsafe.Pointer(&q.text[0]))))
}

// RowsBytes is the parameters, rows of `width` each, as PoolRows and PoolCopyRows take them.
func RowsBytes(q *Query, width, rows int) ([]byte, *Failure) {
	var made *C.char
	a := answer(C.cx_rows_bytes((*C.char)(unsafe.Pointer(&q.text[0])), (*C.cx_value)(unsafe.Pointer(unsafe.SliceData(q.args))),
		C.size_t(width), C.size_t(rows), &made))
	defer C.free(unsafe.Pointer(made))
	if a.Failure != nil {
		return nil, a.Failure
	}
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(made)), a.ID)...), nil
}

// ListenStart listens on the channels.
func ListenStart(pool uint64, tail Tail, channels []string) Started {
	names := make([]*C.char, len(channels)+1)
	for i, name := range channels {
		if refused := whole("a channel's name", name); refused != nil {
			return Started{Failure: refused}
		}
		names[i] = C.CString(name)
		defer C.free(unsafe.Pointer(names[i]))
	}
	return answer(C.cx_listen_start(C.uint64_t(pool), tail.c(), &names[0], C.size_t(len(channels))))
}

// Notification is a view of an event of kind Notify.
func (ev *Event) Notification() (what, process uint32, dropped uint64, channel, payload string) {
	n := (*C.creche_notification)(ev.Data)
	return uint32(n.what), uint32(n.process), uint64(n.dropped), C.GoString(n.channel),
		C.GoStringN(n.payload, C.int(n.payload_size))
}

// ManyStart starts a statement whose parameters are rows of `width` ones each. what: PoolQuery or
// ConnectionQuery.
func ManyStart(what int32, handle uint64, tail Tail, q *Query, width, rows int, collect bool) Started {
	if q.refused != nil {
		return Started{Failure: q.refused}
	}
	o := defaults.query
	if collect {
		o.flags |= C.CRECHE_QUERY_COLLECT
	}
	return answer(C.cx_many_start(C.int32_t(what), C.uint64_t(handle), tail.c(), o, (*C.char)(unsafe.Pointer(&q.text[0])),
		(*C.cx_value)(unsafe.Pointer(unsafe.SliceData(q.args))), C.size_t(width), C.size_t(rows)))
}

// Acquire acquires a connection.
func Acquire(pool uint64, tail Tail) Started {
	return answer(C.cx_acquire(C.uint64_t(pool), tail.c()))
}

// ConnectionExpire has a connection closed when it is given back.
func ConnectionExpire(id uint64) Started {
	return answer(C.cx_connection_expire(C.uint64_t(id)))
}

// ConnectionRelease gives a connection back.
func ConnectionRelease(connection uint64) {
	C.creche_connection_release(C.creche_connection{id: C.uint64_t(connection)})
}

// Transaction starts a step of a transaction.
func Transaction(step int32, connection uint64, tail Tail, flags, isolation uint32, commitTimeout time.Duration) Started {
	o := defaults.transaction
	o.flags = C.uint32_t(flags)
	o.isolation = C.uint32_t(isolation)
	set(&o.commit_timeout, max(commitTimeout, 0))
	return answer(C.cx_transaction(C.int32_t(step), C.uint64_t(connection), tail.c(), o))
}
