package cx

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// Failure is a copy of a creche_error.
type Failure struct {
	Status     int32
	Flags      uint32
	Phase      uint32
	Reason     uint32
	Errno      int32
	TLSVerify  int32
	HTTPStatus uint32
	SQLState   string
	Message    string
	ReasonText string
	Cookie     uintptr
	Cause      *Failure
	Children   []*Failure
	Dropped    int
	Server     *Server
	HTTPBody   []byte
	Attempts   int
}

// Server holds the fields of a PostgreSQL server's message.
type Server struct {
	Severity, Message, Detail, Hint, Context             string
	Schema, Table, Column, Datatype, Constraint, Routine string
	Position                                             int
}

// Flags of failures.
const (
	Retryable = C.CRECHE_ERROR_RETRYABLE
	Unsent    = C.CRECHE_ERROR_UNSENT
)

func failureOf(e *C.creche_error) *Failure {
	if e == nil {
		return nil
	}
	f := &Failure{
		Status:     int32(e.status),
		Flags:      uint32(e.flags),
		Phase:      uint32(e.phase),
		Reason:     uint32(e.reason),
		Errno:      int32(e.system_errno),
		TLSVerify:  int32(e.tls_verify),
		HTTPStatus: uint32(e.http_status),
		SQLState:   C.GoString(&e.sqlstate[0]),
		Message:    C.GoString(e.message),
		ReasonText: C.GoString(e.reason_text),
		Cookie:     uintptr(e.cookie),
		Cause:      failureOf(e.cause),
		Dropped:    int(e.children_dropped),
		Attempts:   int(e.http_attempts),
	}
	if e.http_body != nil {
		f.HTTPBody = C.GoBytes(unsafe.Pointer(e.http_body), C.int(e.http_body_size))
	}
	if e.children_count != 0 {
		children := unsafe.Slice(e.children, int(e.children_count))
		f.Children = make([]*Failure, len(children))
		for i, child := range children {
			f.Children[i] = failureOf(child)
		}
	}
	if e.server_message != nil {
		f.Server = &Server{
			Severity:   C.GoString(e.server_severity),
			Message:    C.GoString(e.server_message),
			Detail:     C.GoString(e.server_detail),
			Hint:       C.GoString(e.server_hint),
			Context:    C.GoString(e.server_context),
			Schema:     C.GoString(e.server_schema),
			Table:      C.GoString(e.server_table),
			Column:     C.GoString(e.server_column),
			Datatype:   C.GoString(e.server_datatype),
			Constraint: C.GoString(e.server_constraint),
			Routine:    C.GoString(e.server_routine),
			Position:   int(e.server_position),
		}
	}
	return f
}
