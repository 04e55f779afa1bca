//! Statuses, phases and reasons: open sets of numbers, as in the C interface.
use creche_sys as sys;
use std::ffi::CStr;
use std::fmt;

/// What became of an operation: `CRECHE_OK` or one of `CRECHE_E_*`, or a number of your own from
/// -1000 down. New ones may be added.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(pub i32);

macro_rules! numbers {
    ($type:ident { $($(#[$doc:meta])* $name:ident = $value:ident,)* }) => {
        #[allow(missing_docs)]
        impl $type {
            $($(#[$doc])* pub const $name: $type = $type(sys::$value);)*
        }
    };
}

numbers!(Status {
    OK = CRECHE_OK,
    INVALID = CRECHE_E_INVALID,
    BAD_HANDLE = CRECHE_E_BAD_HANDLE,
    ENDED = CRECHE_E_ENDED,
    CLOSED = CRECHE_E_CLOSED,
    WRONG_LOOP = CRECHE_E_WRONG_LOOP,
    WOULD_DEADLOCK = CRECHE_E_WOULD_DEADLOCK,
    INTERRUPTED = CRECHE_E_INTERRUPTED,
    FORKED = CRECHE_E_FORKED,
    UNSUPPORTED = CRECHE_E_UNSUPPORTED,
    STATE = CRECHE_E_STATE,
    BUSY = CRECHE_E_BUSY,
    NO_MEMORY = CRECHE_E_NO_MEMORY,
    LIMIT = CRECHE_E_LIMIT,
    INTERNAL = CRECHE_E_INTERNAL,
    SYSTEM = CRECHE_E_SYSTEM,
    CANCELLED = CRECHE_E_CANCELLED,
    TIMEOUT = CRECHE_E_TIMEOUT,
    GROUP = CRECHE_E_GROUP,
    MISNESTED = CRECHE_E_MISNESTED,
    NOT_CANCELLED = CRECHE_E_NOT_CANCELLED,
    USER = CRECHE_E_USER,
    NOT_STARTED = CRECHE_E_NOT_STARTED,
    URL = CRECHE_E_URL,
    DNS = CRECHE_E_DNS,
    CONNECT = CRECHE_E_CONNECT,
    TLS = CRECHE_E_TLS,
    TLS_VERIFY = CRECHE_E_TLS_VERIFY,
    DISCONNECTED = CRECHE_E_DISCONNECTED,
    PROTOCOL = CRECHE_E_PROTOCOL,
    TRUNCATED = CRECHE_E_TRUNCATED,
    CODING = CRECHE_E_CODING,
    BODY = CRECHE_E_BODY,
    REDIRECT = CRECHE_E_REDIRECT,
    HTTP_STATUS = CRECHE_E_HTTP_STATUS,
    PROXY = CRECHE_E_PROXY,
    PG = CRECHE_E_PG,
    OUTCOME_UNKNOWN = CRECHE_E_OUTCOME_UNKNOWN,
    ROLLED_BACK = CRECHE_E_ROLLED_BACK,
    TYPE = CRECHE_E_TYPE,
    NULL = CRECHE_E_NULL,
});

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: any number is allowed; the text is static.
        let name = unsafe { CStr::from_ptr(sys::creche_status_name(self.0)) };
        match name.to_str() {
            Ok("?") | Err(_) => write!(f, "status {}", self.0),
            Ok(_) if self.0 <= -1000 => write!(f, "status {}", self.0),
            Ok(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Where an operation was when it failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Phase(pub u32);

numbers!(Phase {
    NONE = CRECHE_PHASE_NONE,
    LIMIT = CRECHE_PHASE_LIMIT,
    POOL = CRECHE_PHASE_POOL,
    DNS = CRECHE_PHASE_DNS,
    CONNECT = CRECHE_PHASE_CONNECT,
    TLS = CRECHE_PHASE_TLS,
    SEND = CRECHE_PHASE_SEND,
    HEADERS = CRECHE_PHASE_HEADERS,
    BODY = CRECHE_PHASE_BODY,
    AUTH = CRECHE_PHASE_AUTH,
    QUERY = CRECHE_PHASE_QUERY,
    COMMIT = CRECHE_PHASE_COMMIT,
    ROLLBACK = CRECHE_PHASE_ROLLBACK,
    RESET = CRECHE_PHASE_RESET,
    TASK = CRECHE_PHASE_TASK,
    CLOSE = CRECHE_PHASE_CLOSE,
    OPTIONS = CRECHE_PHASE_OPTIONS,
    PROXY = CRECHE_PHASE_PROXY,
});

/// Why a scope was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Reason(pub u32);

numbers!(Reason {
    NONE = CRECHE_REASON_NONE,
    DEADLINE = CRECHE_REASON_DEADLINE,
    EXPLICIT = CRECHE_REASON_EXPLICIT,
    SIBLING = CRECHE_REASON_SIBLING,
    RACE = CRECHE_REASON_RACE,
    SHUTDOWN = CRECHE_REASON_SHUTDOWN,
    INTERRUPT = CRECHE_REASON_INTERRUPT,
    FINISHED = CRECHE_REASON_FINISHED,
    MISNESTED = CRECHE_REASON_MISNESTED,
});
