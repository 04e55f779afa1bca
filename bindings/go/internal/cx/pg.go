package cx

/*
#include "shim.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// What QueryStart starts, and the steps of a transaction.
const (
	PoolQuery        = C.CX_POOL_QUERY
	PoolStream       = C.CX_POOL_STREAM
	ConnectionQuery  = C.CX_CONNECTION_QUERY
	ConnectionStream = C.CX_CONNECTION_STREAM
	Script           = C.CX_SCRIPT
	BeginStep        = C.CX_BEGIN
	CommitStep       = C.CX_COMMIT
	RollbackStep     = C.CX_ROLLBACK

	PoolNoPrepare  = C.CRECHE_POOL_NO_PREPARE
	PoolNoPipeline = C.CRECHE_POOL_NO_PIPELINE
	QueryNoPrepare = C.CRECHE_QUERY_NO_PREPARE
	QueryAlone     = C.CRECHE_QUERY_ALONE
	ResetNone      = C.CRECHE_RESET_NONE
	ReadOnly       = C.CRECHE_TRANSACTION_READ_ONLY
	Deferrable     = C.CRECHE_TRANSACTION_DEFERRABLE
	ReadCommitted  = C.CRECHE_READ_COMMITTED
	RepeatableRead = C.CRECHE_REPEATABLE_READ
	Serializable   = C.CRECHE_SERIALIZABLE
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
	Flags                                              uint32
	MinSize, MaxSize, MaxWaiting, PipelineDepth, Reset uint32
	StatementCache                                     *uint32
	ConnectTimeout, AcquireTimeout, IdleTimeout        time.Duration
	MaxLifetime, CancelTimeout, StatementLifetime      time.Duration
	ApplicationName                                    string
}

// PoolOpen opens a pool on a loop; an empty dsn is the environment.
func PoolOpen(loop uint64, dsn string, po PoolOptions) Started {
	var o C.creche_pool_options
	C.creche_pool_options_init(&o, C.sizeof_creche_pool_options)
	number := func(field *C.uint32_t, value uint32) {
		if value != 0 {
			*field = C.uint32_t(value)
		}
	}
	duration := func(field *C.int64_t, value time.Duration) {
		if value != 0 {
			*field = nanoseconds(value)
		}
	}
	o.flags = C.uint32_t(po.Flags)
	number(&o.min_size, po.MinSize)
	number(&o.max_size, po.MaxSize)
	number(&o.max_waiting, po.MaxWaiting)
	number(&o.pipeline_depth, po.PipelineDepth)
	number(&o.reset, po.Reset)
	if po.StatementCache != nil {
		o.statement_cache = C.uint32_t(*po.StatementCache)
	}
	duration(&o.connect_timeout, po.ConnectTimeout)
	duration(&o.acquire_timeout, po.AcquireTimeout)
	duration(&o.idle_timeout, po.IdleTimeout)
	duration(&o.max_lifetime, po.MaxLifetime)
	duration(&o.cancel_timeout, po.CancelTimeout)
	duration(&o.statement_lifetime, po.StatementLifetime)
	if po.ApplicationName != "" {
		name := C.CString(po.ApplicationName)
		defer C.free(unsafe.Pointer(name))
		o.application_name = name
	}
	return answer(C.cx_pool_open(C.uint64_t(loop), maybe(dsn), &o))
}

// PoolRelease closes a pool.
func PoolRelease(pool uint64) { C.creche_pool_release(C.creche_pool{id: C.uint64_t(pool)}) }

// PoolCounters are those of creche_pool_counters, in its order.
func PoolCounters(pool uint64) (values [11]uint64, status int32) {
	var c C.creche_pool_counters
	status = int32(C.creche_pool_get_counters(C.creche_pool{id: C.uint64_t(pool)}, &c,
		C.sizeof_creche_pool_counters))
	values = [11]uint64{uint64(c.connections), uint64(c.idle), uint64(c.leased), uint64(c.waiting),
		uint64(c.connects), uint64(c.statements), uint64(c.pipelined), uint64(c.prepares),
		uint64(c.cancels), uint64(c.resent), uint64(c.dropped)}
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
	Flags      uint32
	BlockRows  uint32
	BlockBytes uint32
	Blocks     uint32
	MaxBytes   uint64
	Timeout    time.Duration

	text []byte
	args []Value
}

// SQL sets the statement; it comes first.
func (q *Query) SQL(sql string) {
	q.text = append(append(q.text[:0], sql...), 0)
	q.args = q.args[:0]
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

// QueryStart starts a statement on a pool or connection.
func QueryStart(what int32, handle uint64, tail Tail, q *Query) Started {
	c := C.cx_query{
		flags:       C.uint32_t(q.Flags),
		block_rows:  C.uint32_t(q.BlockRows),
		block_bytes: C.uint32_t(q.BlockBytes),
		blocks:      C.uint32_t(q.Blocks),
		max_bytes:   C.uint64_t(q.MaxBytes),
		timeout:     nanoseconds(q.Timeout),
	}
	return answer(C.cx_query_start(C.int32_t(what), C.uint64_t(handle), tail.c(),
		(*C.char)(unsafe.Pointer(&q.text[0])), (*C.cx_value)(unsafe.Pointer(unsafe.SliceData(q.args))),
		C.size_t(len(q.args)), c))
}

// Acquire acquires a connection.
func Acquire(pool uint64, tail Tail, timeout time.Duration) Started {
	return answer(C.cx_acquire(C.uint64_t(pool), tail.c(), nanoseconds(timeout)))
}

// ConnectionRelease gives a connection back.
func ConnectionRelease(connection uint64) {
	C.creche_connection_release(C.creche_connection{id: C.uint64_t(connection)})
}

// Transaction starts a step of a transaction.
func Transaction(step int32, connection uint64, tail Tail, flags, isolation uint32, timeout time.Duration) Started {
	return answer(C.cx_transaction(C.int32_t(step), C.uint64_t(connection), tail.c(), C.uint32_t(flags),
		C.uint32_t(isolation), nanoseconds(timeout)))
}
