package creche

import (
	"time"

	"libcreche/creche/internal/cx"
)

// LogLevel says how much a record matters; the smaller, the more.
type LogLevel uint32

// Levels of the log.
const (
	LogError LogLevel = cx.LogError
	LogWarn  LogLevel = cx.LogWarn  // something was lost, or is wrong, and may go on so
	LogInfo  LogLevel = cx.LogInfo  // what is done about that; what happens seldom
	LogDebug LogLevel = cx.LogDebug // what happens all the time
)

// LogEvent says what a record is about. There may be more than these.
type LogEvent uint32

// Events of the log; the last three are told in debug mode only.
const (
	LogConnected     LogEvent = cx.LogConnected     // a connection is open
	LogConnectFailed LogEvent = cx.LogConnectFailed // none could be opened
	LogClosed        LogEvent = cx.LogClosed        // one is closed
	LogDropped       LogEvent = cx.LogDropped       // one of a pool's was lost
	LogRetry         LogEvent = cx.LogRetry         // a request that has failed is made again
	LogReconnect     LogEvent = cx.LogReconnect     // a stream of events, or a listener, connects anew
	LogRetryDenied   LogEvent = cx.LogRetryDenied   // one is not, for want of a budget
	LogNotClosed     LogEvent = cx.LogNotClosed     // a group or scope was left open
	LogNowhere       LogEvent = cx.LogNowhere       // a completion has nowhere to go
	LogRefused       LogEvent = cx.LogRefused       // work was refused, for what it was for is ending
)

// LogField is a detail of a record. Text is its value, a number written out.
type LogField struct {
	Name, Text string
	Number     int64
	IsNumber   bool
}

// LogRecord is what a loop says in words. It never holds a secret.
type LogRecord struct {
	Level   LogLevel
	Event   LogEvent
	ID      uint64        // the number of what it is about, as in dumps; it may have ended. 0: none
	Time    time.Duration // when, on the loop's clock
	Message string        // one line, without the fields
	Name    string        // of what it is about
	Site    string        // where that was started
	Fields  []LogField
}

// logTo has C call the user's function.
func logTo(write func(*LogRecord)) uint64 {
	if write == nil {
		return 0
	}
	return cx.Log(func(r *cx.LogRecord) {
		record := LogRecord{Level: LogLevel(r.Level), Event: LogEvent(r.Event), ID: r.ID,
			Time: time.Duration(r.Time), Message: r.Message, Name: r.Name, Site: r.Site}
		for _, f := range r.Fields {
			record.Fields = append(record.Fields, LogField(f))
		}
		write(&record)
	})
}
