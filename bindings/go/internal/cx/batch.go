package cx

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// States of the statements of a batch, and steps of cursors.
const (
	BatchDone    = C.CRECHE_BATCH_DONE
	BatchFailed  = C.CRECHE_BATCH_FAILED
	BatchUndone  = C.CRECHE_BATCH_UNDONE
	BatchNotRun  = C.CRECHE_BATCH_NOT_RUN
	BatchUnknown = C.CRECHE_BATCH_UNKNOWN

	CursorOpen  = C.CX_CURSOR_OPEN
	CursorFetch = C.CX_CURSOR_FETCH
	CursorMove  = C.CX_CURSOR_MOVE
	CursorClose = C.CX_CURSOR_CLOSE

	CursorHold   = C.CRECHE_CURSOR_HOLD
	CursorScroll = C.CRECHE_CURSOR_SCROLL
)

// item is cx_item.
type item struct {
	offset uint64
	args   uint64
}

var _ = [1]struct{}{}[unsafe.Sizeof(item{})-C.sizeof_cx_item]

// Statements are several statements with their parameters, ready for the crossing.
type Statements struct {
	Query
	items []item
}

// Next begins the next statement; its parameters follow.
func (b *Statements) Next(sql string) {
	if n := len(b.items); n > 0 {
		b.items[n-1].args = uint64(len(b.args)) - b.items[n-1].args
	}
	if b.refused == nil {
		b.refused = whole("the statement", sql)
	}
	b.items = append(b.items, item{uint64(len(b.text)), uint64(len(b.args))})
	b.text = append(append(b.text, sql...), 0)
}

// BatchStart starts a batch. what: PoolQuery or ConnectionQuery.
func BatchStart(what int32, handle uint64, tail Tail, b *Statements, separate bool) Started {
	if b.refused != nil {
		return Started{Failure: b.refused}
	}
	items := append([]item(nil), b.items...)
	if n := len(items); n > 0 {
		items[n-1].args = uint64(len(b.args)) - items[n-1].args
	}
	var o C.creche_batch_options
	C.creche_batch_options_init(&o, C.sizeof_creche_batch_options)
	if separate {
		o.flags = C.CRECHE_BATCH_SEPARATE
	}
	return answer(C.cx_batch_start(C.int32_t(what), C.uint64_t(handle), tail.c(), o,
		(*C.char)(unsafe.Pointer(unsafe.SliceData(b.text))), (*C.cx_value)(unsafe.Pointer(unsafe.SliceData(b.args))),
		C.size_t(len(b.args)), (*C.cx_item)(unsafe.Pointer(unsafe.SliceData(items))), C.size_t(len(items))))
}

// BatchResult is a copy of what became of a statement.
type BatchResult struct {
	State   uint32
	Block   Block // if it is done
	Failure *Failure
}

// BatchResults copies those of an event.
func (e *Event) BatchResults() []BatchResult {
	if e.Data == nil {
		return nil
	}
	all := unsafe.Slice((*C.creche_batch_result)(e.Data), e.Size/C.sizeof_creche_batch_result)
	results := make([]BatchResult, len(all))
	for i := range all {
		results[i] = BatchResult{State: uint32(all[i].state), Failure: failureOf(all[i].error)}
		if all[i].rows != nil {
			results[i].Block = CopyBlock(unsafe.Pointer(all[i].rows))
		}
	}
	return results
}

// DescribeStart asks what a statement takes and returns. what: PoolQuery or ConnectionQuery.
func DescribeStart(what int32, handle uint64, tail Tail, q *Query) Started {
	if q.refused != nil {
		return Started{Failure: q.refused}
	}
	return answer(C.cx_describe_start(C.int32_t(what), C.uint64_t(handle), tail.c(), (*C.char)(unsafe.Pointer(&q.text[0]))))
}

// Description copies that of an event. columns: valid if it returns rows.
func (e *Event) Description() (parameters []uint32, columns Block) {
	if e.Data == nil {
		return nil, Block{}
	}
	d := (*C.creche_description)(e.Data)
	for _, oid := range unsafe.Slice(d.parameters, d.parameters_count) {
		parameters = append(parameters, uint32(oid))
	}
	if d.columns != nil {
		columns = CopyBlock(unsafe.Pointer(d.columns))
	}
	return parameters, columns
}

// CursorStart starts a step of a cursor. q: the statement that it is opened for.
func CursorStart(step int32, connection uint64, tail Tail, name string, flags uint32, rows int64, q *Query) Started {
	if q.refused != nil {
		return Started{Failure: q.refused}
	}
	if refused := whole("the name of a cursor", name); refused != nil {
		return Started{Failure: refused}
	}
	var o C.creche_cursor_options
	C.creche_cursor_options_init(&o, C.sizeof_creche_cursor_options)
	o.flags = C.uint32_t(flags)
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	return answer(C.cx_cursor_start(C.int32_t(step), C.uint64_t(connection), tail.c(), o, c, C.int64_t(rows),
		(*C.char)(unsafe.Pointer(&q.text[0])), (*C.cx_value)(unsafe.Pointer(unsafe.SliceData(q.args))), C.size_t(len(q.args))))
}
