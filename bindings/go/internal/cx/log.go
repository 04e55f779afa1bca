package cx

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// LogField is creche_log_field.
type LogField struct {
	Name, Text string
	Number     int64
	IsNumber   bool
}

// LogRecord is creche_log_record.
type LogRecord struct {
	Level, Event        uint32
	ID                  uint64
	Time                int64
	Message, Name, Site string
	Fields              []LogField
}

// Levels and events of logs.
const (
	LogError         = C.CRECHE_LOG_ERROR
	LogWarn          = C.CRECHE_LOG_WARN
	LogInfo          = C.CRECHE_LOG_INFO
	LogDebug         = C.CRECHE_LOG_DEBUG
	LogConnected     = C.CRECHE_LOG_CONNECTED
	LogConnectFailed = C.CRECHE_LOG_CONNECT_FAILED
	LogClosed        = C.CRECHE_LOG_CLOSED
	LogDropped       = C.CRECHE_LOG_DROPPED
	LogRetry         = C.CRECHE_LOG_RETRY
	LogReconnect     = C.CRECHE_LOG_RECONNECT
	LogRetryDenied   = C.CRECHE_LOG_RETRY_DENIED
	LogNotClosed     = C.CRECHE_LOG_NOT_CLOSED
	LogNowhere       = C.CRECHE_LOG_NOWHERE
	LogRefused       = C.CRECHE_LOG_REFUSED
)

// Log gives a function its number, for LoopOpen; Unhook ends that.
func Log(write func(*LogRecord)) uint64 { return hookUp(write) }

//export cxLogged
func cxLogged(number C.uint64_t, r *C.creche_log_record) {
	write, found := hooks.Load(uint64(number))
	if !found {
		return
	}
	record := LogRecord{Level: uint32(r.level), Event: uint32(r.event), ID: uint64(r.id), Time: int64(r.time),
		Message: textOf(r.message), Name: textOf(r.name), Site: textOf(r.site)}
	for _, f := range unsafe.Slice(r.fields, int(r.fields_count)) {
		record.Fields = append(record.Fields, LogField{textOf(f.name), textOf(f.text), int64(f.number), f.is_number != 0})
	}
	write.(func(*LogRecord))(&record)
}
