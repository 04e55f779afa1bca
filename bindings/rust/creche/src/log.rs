//! What a loop says in words, for log files: connections, retries, reconnects, what was lost; in debug
//! mode also what a program does wrong without being told so. Never a secret.
use creche_sys as sys;
use std::ffi::{CStr, c_char};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How much a record matters; the smaller, the more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LogLevel(pub u32);

impl LogLevel {
    /// Something failed for good.
    pub const ERROR: LogLevel = LogLevel(sys::CRECHE_LOG_ERROR);
    /// Something was lost, or is wrong, and may go on so.
    pub const WARN: LogLevel = LogLevel(sys::CRECHE_LOG_WARN);
    /// What is done about that; what happens seldom.
    pub const INFO: LogLevel = LogLevel(sys::CRECHE_LOG_INFO);
    /// What happens all the time.
    pub const DEBUG: LogLevel = LogLevel(sys::CRECHE_LOG_DEBUG);
}

/// What a record is about. New ones may be added.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LogEvent(pub u32);

impl LogEvent {
    /// A connection is open.
    pub const CONNECTED: LogEvent = LogEvent(sys::CRECHE_LOG_CONNECTED);
    /// None could be opened.
    pub const CONNECT_FAILED: LogEvent = LogEvent(sys::CRECHE_LOG_CONNECT_FAILED);
    /// One is closed.
    pub const CLOSED: LogEvent = LogEvent(sys::CRECHE_LOG_CLOSED);
    /// One of a pool's was lost.
    pub const DROPPED: LogEvent = LogEvent(sys::CRECHE_LOG_DROPPED);
    /// A request that has failed is made again.
    pub const RETRY: LogEvent = LogEvent(sys::CRECHE_LOG_RETRY);
    /// A stream of events, or a listener, connects anew.
    pub const RECONNECT: LogEvent = LogEvent(sys::CRECHE_LOG_RECONNECT);
    /// One is not, for want of a budget.
    pub const RETRY_DENIED: LogEvent = LogEvent(sys::CRECHE_LOG_RETRY_DENIED);
    /// Debug mode: a group or scope was left open.
    pub const NOT_CLOSED: LogEvent = LogEvent(sys::CRECHE_LOG_NOT_CLOSED);
    /// Debug mode: a completion has nowhere to go.
    pub const NOWHERE: LogEvent = LogEvent(sys::CRECHE_LOG_NOWHERE);
    /// Debug mode: work was refused, for what it was for is ending.
    pub const REFUSED: LogEvent = LogEvent(sys::CRECHE_LOG_REFUSED);
}

/// A detail of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LogField<'a> {
    /// What it is: "error", "phase", "attempt".
    pub name: &'a str,
    /// Its value; a number is written out.
    pub text: &'a str,
    /// Its value, if it is a number.
    pub number: Option<i64>,
}

/// One record, for the time of the call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogRecord<'a> {
    /// How much it matters.
    pub level: LogLevel,
    /// What happened.
    pub event: LogEvent,
    /// The number of what it is about, as in dumps; it may have ended. 0: it has none.
    pub id: u64,
    /// When, on the loop's clock.
    pub time: Duration,
    /// One line, without the fields.
    pub message: &'a str,
    /// The name of what it is about, "" without one.
    pub name: &'a str,
    /// Where that was started, "" if that was not said.
    pub site: &'a str,
    /// The details.
    pub fields: Vec<LogField<'a>>,
}

type Tell = dyn Fn(&LogRecord<'_>) + Send + Sync;

/// A function of the user's, and how much it wants to be told.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) level: LogLevel,
    tell: Arc<Tell>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a log up to {:?}", self.level)
    }
}

impl Log {
    pub(crate) fn new(
        level: LogLevel,
        tell: impl Fn(&LogRecord<'_>) + Send + Sync + 'static,
    ) -> Log {
        Log { level, tell: Arc::new(tell) }
    }

    /// # Safety
    /// `record` is one of the library's, which lives meanwhile.
    pub(crate) unsafe fn write(&self, record: *const sys::creche_log_record) {
        // SAFETY: as said above.
        let record = unsafe { &*record };
        // SAFETY: its texts live as it does, and are never NULL.
        let text = |at: *const c_char| unsafe { CStr::from_ptr(at) }.to_str().unwrap_or_default();
        let fields = (0..record.fields_count as usize).map(|i| {
            // SAFETY: as many as the count says.
            let field = unsafe { &*record.fields.add(i) };
            LogField {
                name: text(field.name),
                text: text(field.text),
                number: (field.is_number != 0).then_some(field.number),
            }
        });
        (self.tell)(&LogRecord {
            level: LogLevel(record.level),
            event: LogEvent(record.event),
            id: record.id,
            time: Duration::from_nanos(record.time.max(0) as u64),
            message: text(record.message),
            name: text(record.name),
            site: text(record.site),
            fields: fields.collect(),
        });
    }
}
