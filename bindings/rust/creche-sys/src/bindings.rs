// Written by generate.py from the C headers: change those, and run it again.
use core::ffi::{c_char, c_void};

pub const CRECHE_VERSION_MAJOR: u32 = 0;

pub const CRECHE_VERSION_MINOR: u32 = 1;

pub const CRECHE_VERSION_PATCH: u32 = 0;

/// major * 1000000 + minor * 1000 + patch
pub const CRECHE_VERSION_NUMBER: u32 = 1000;

/// Numbers are fixed for ever and the same on every platform; new ones are appended. A user's own
/// statuses (creche_task_finish) are CRECHE_E_USER or anything from -1000 down.
pub type creche_status = i32;

pub const CRECHE_OK: creche_status = 0;

/// an argument: NULL where not allowed, out of range, contradictory
pub const CRECHE_E_INVALID: creche_status = -1;

/// never was a handle of this kind: null, forged or of another kind
pub const CRECHE_E_BAD_HANDLE: creche_status = -2;

/// was good; what it named has ended or was released
pub const CRECHE_E_ENDED: creche_status = -3;

/// exists, but takes no more work
pub const CRECHE_E_CLOSED: creche_status = -4;

/// the objects belong to different loops
pub const CRECHE_E_WRONG_LOOP: creche_status = -5;

/// a blocking call inside a callback or a loop's run
pub const CRECHE_E_WOULD_DEADLOCK: creche_status = -6;

/// a signal arrived while waiting; call again
pub const CRECHE_E_INTERRUPTED: creche_status = -7;

/// the object was made before fork(), in the parent process
pub const CRECHE_E_FORKED: creche_status = -8;

/// an option that this version does not know, or is not built with
pub const CRECHE_E_UNSUPPORTED: creche_status = -9;

/// not now: finished twice, opened twice, out of order
pub const CRECHE_E_STATE: creche_status = -10;

/// live work is in the way; nothing was changed
pub const CRECHE_E_BUSY: creche_status = -11;

pub const CRECHE_E_NO_MEMORY: creche_status = -12;

/// a limit of the options was exceeded (body size, waiters, ...)
pub const CRECHE_E_LIMIT: creche_status = -13;

/// a bug of the library: please report it
pub const CRECHE_E_INTERNAL: creche_status = -14;

/// the operating system refused; system_errno says why
pub const CRECHE_E_SYSTEM: creche_status = -15;

/// stopped by a scope; error->reason says which and why
pub const CRECHE_E_CANCELLED: creche_status = -20;

/// a deadline of its own, or a phase timeout, ran out
pub const CRECHE_E_TIMEOUT: creche_status = -21;

/// children failed; error->children is the tree of failures
pub const CRECHE_E_GROUP: creche_status = -22;

/// a task finished with groups or scopes of its own still open
pub const CRECHE_E_MISNESTED: creche_status = -23;

/// a task claimed CRECHE_E_CANCELLED though nobody cancelled it
pub const CRECHE_E_NOT_CANCELLED: creche_status = -24;

/// a failure that the user's own code reported
pub const CRECHE_E_USER: creche_status = -25;

/// a task finished without the creche_task_started it owed
pub const CRECHE_E_NOT_STARTED: creche_status = -26;

/// not a URL that can be fetched
pub const CRECHE_E_URL: creche_status = -40;

/// the name could not be resolved
pub const CRECHE_E_DNS: creche_status = -41;

/// no address accepted a connection
pub const CRECHE_E_CONNECT: creche_status = -42;

/// the handshake or a record failed
pub const CRECHE_E_TLS: creche_status = -43;

/// the certificate is not trusted, or names another host
pub const CRECHE_E_TLS_VERIFY: creche_status = -44;

/// the peer closed or reset the connection before an answer
pub const CRECHE_E_DISCONNECTED: creche_status = -45;

/// the peer sent something that is not allowed
pub const CRECHE_E_PROTOCOL: creche_status = -46;

/// the connection ended inside a body
pub const CRECHE_E_TRUNCATED: creche_status = -47;

/// the body does not decode (gzip, deflate, br, zstd)
pub const CRECHE_E_CODING: creche_status = -48;

/// the request's body could not be produced or sent again
pub const CRECHE_E_BODY: creche_status = -49;

/// too many redirects, or one to a place that cannot be fetched
pub const CRECHE_E_REDIRECT: creche_status = -50;

/// a status of 400 or above, where that was to be a failure
pub const CRECHE_E_HTTP_STATUS: creche_status = -51;

/// a proxy refused to make the connection; http_status, if it said one
pub const CRECHE_E_PROXY: creche_status = -55;

/// the server answered with an error; error->sqlstate has its code
pub const CRECHE_E_PG: creche_status = -60;

/// a COMMIT was sent and its answer never came
pub const CRECHE_E_OUTCOME_UNKNOWN: creche_status = -61;

/// a COMMIT was answered by ROLLBACK
pub const CRECHE_E_ROLLED_BACK: creche_status = -62;

/// a value or a column does not have that type
pub const CRECHE_E_TYPE: creche_status = -63;

/// the value is SQL NULL
pub const CRECHE_E_NULL: creche_status = -64;

/// All times are int64_t nanoseconds; points in time are on the loop's clock (creche_now).
pub const CRECHE_NEVER: i64 = i64::MAX;

pub const CRECHE_NANOSECOND: i64 = 1;

pub const CRECHE_MICROSECOND: i64 = 1000;

pub const CRECHE_MILLISECOND: i64 = 1000000;

pub const CRECHE_SECOND: i64 = 1000000000;

/// 64-bit ids, free to copy, compare and send to other threads; other languages may declare each as
/// uint64_t. {0} is the null handle. What is a scope holds one as its only member, so `group.scope`
/// is the upcast. Scopes, groups, tasks and loops are names: they end by themselves and are never
/// released. All others are owned: release them once (again, or {0}, is harmless). "The handle errors" of
/// a function are CRECHE_E_BAD_HANDLE, CRECHE_E_ENDED and CRECHE_E_FORKED.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_scope {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_loop {
    pub scope: creche_scope,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_group {
    pub scope: creche_scope,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_task {
    pub scope: creche_scope,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_queue {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_session {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_response {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_pool {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_connection {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_rows {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_limiter {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_token {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_rate {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_event {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_sender {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_receiver {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_tls {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_websocket {
    pub id: u64,
}

/// A pointer of yours that travels down the tree with your tasks, as context variables do in other
/// languages (a trace id, a locale). Given to a loop or a task; a task without one of its own has a
/// copy of that of the task that started it (inside a callback: the task whose callback runs; else
/// the nearest around), taken when it was started.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_context {
    pub data: *mut c_void,
    /// makes the copy, in the starting call; NULL result: no memory.
    /// clone NULL: all share `data`
    pub clone: Option<unsafe extern "C" fn(data: *mut c_void) -> *mut c_void>,
    /// called once for each copy when no task has it any more, on any
    /// thread; may be NULL
    pub drop: Option<unsafe extern "C" fn(data: *mut c_void)>,
}

pub const CRECHE_PHASE_NONE: u32 = 0;

/// waiting for a group's limit, or for a limiter
pub const CRECHE_PHASE_LIMIT: u32 = 1;

/// waiting for a connection of a session or pool (acquire)
pub const CRECHE_PHASE_POOL: u32 = 2;

pub const CRECHE_PHASE_DNS: u32 = 3;

pub const CRECHE_PHASE_CONNECT: u32 = 4;

pub const CRECHE_PHASE_TLS: u32 = 5;

pub const CRECHE_PHASE_SEND: u32 = 6;

/// waiting for, or reading, the head of the answer
pub const CRECHE_PHASE_HEADERS: u32 = 7;

pub const CRECHE_PHASE_BODY: u32 = 8;

/// PostgreSQL: start-up and authentication
pub const CRECHE_PHASE_AUTH: u32 = 9;

pub const CRECHE_PHASE_QUERY: u32 = 10;

pub const CRECHE_PHASE_COMMIT: u32 = 11;

pub const CRECHE_PHASE_ROLLBACK: u32 = 12;

pub const CRECHE_PHASE_RESET: u32 = 13;

/// the user's own code
pub const CRECHE_PHASE_TASK: u32 = 14;

pub const CRECHE_PHASE_CLOSE: u32 = 15;

/// reading what the user asked for: URL, DSN, files
pub const CRECHE_PHASE_OPTIONS: u32 = 16;

/// asking a proxy for a connection to the server
pub const CRECHE_PHASE_PROXY: u32 = 17;

pub const CRECHE_REASON_NONE: u32 = 0;

pub const CRECHE_REASON_DEADLINE: u32 = 1;

/// creche_scope_cancel; reason_text is its text
pub const CRECHE_REASON_EXPLICIT: u32 = 2;

/// a sibling failed in a fail-fast group; by names it
pub const CRECHE_REASON_SIBLING: u32 = 3;

/// a sibling won; by names it
pub const CRECHE_REASON_RACE: u32 = 4;

/// the loop is closing, or the pool of a transaction's body
pub const CRECHE_REASON_SHUTDOWN: u32 = 5;

/// creche_scope_interrupt
pub const CRECHE_REASON_INTERRUPT: u32 = 6;

/// its task finished with a failure while this step was running
pub const CRECHE_REASON_FINISHED: u32 = 7;

/// its task finished and left this group or scope open
pub const CRECHE_REASON_MISNESTED: u32 = 8;

/// the same call may well succeed later, and doing it again is safe
pub const CRECHE_ERROR_RETRYABLE: u32 = 1;

/// nothing of the request or statement reached the server
pub const CRECHE_ERROR_UNSENT: u32 = 2;

/// What went wrong. Made by the library only, so it may grow at its end: read a field only if
/// `size` covers it (all fields of the header you compiled with are covered by a library that is at
/// least as new). Never NULL: message. Other pointers may be NULL. Lives as long as what it came
/// with (the completion); creche_error_keep makes it yours. Immutable, so free to read anywhere.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_error {
    pub size: u32,
    /// CRECHE_ERROR_*
    pub flags: u32,
    pub status: creche_status,
    /// CRECHE_PHASE_*
    pub phase: u32,
    /// CRECHE_REASON_* of a cancellation
    pub reason: u32,
    /// errno of the failed system call, or 0; for CRECHE_E_DNS the EAI_* code
    pub system_errno: i32,
    /// X509_V_ERR_* of a certificate that failed, or 0
    pub tls_verify: i32,
    /// of an answer that is the failure, or 0
    pub http_status: u32,
    /// five characters and NULs, or empty
    pub sqlstate: [c_char; 8],
    /// what happened and what to do, one line, UTF-8
    pub message: *const c_char,
    /// text given with the cancellation
    pub reason_text: *const c_char,
    /// who cancelled: the scope whose deadline it was, the sibling that failed
    pub by: creche_scope,
    /// the user's own (a foreign exception), from creche_error_new
    pub cookie: *mut c_void,
    pub cause: *const creche_error,
    /// CRECHE_E_GROUP: failures in order of completion
    pub children: *const *const creche_error,
    pub children_count: usize,
    /// failures over the group's max_errors: counted, not kept
    pub children_dropped: usize,
    pub server_severity: *const c_char,
    pub server_message: *const c_char,
    pub server_detail: *const c_char,
    pub server_hint: *const c_char,
    pub server_context: *const c_char,
    pub server_schema: *const c_char,
    pub server_table: *const c_char,
    pub server_column: *const c_char,
    pub server_datatype: *const c_char,
    pub server_constraint: *const c_char,
    pub server_routine: *const c_char,
    /// 1-based character in the statement, or 0
    pub server_position: i32,
    /// of an HTTP request: how often its retry policy let it be made, the first
    /// time counted; 0 for all else
    pub http_attempts: u32,
    /// CRECHE_E_HTTP_STATUS: the start of the answer's body, decoded, up to 4096
    /// bytes, and a NUL; NULL for all else
    pub http_body: *const c_char,
    pub http_body_size: usize,
}

/// the end of a task, with its result
pub const CRECHE_DONE: u32 = 0;

/// to the user: your task may run
pub const CRECHE_BEGIN: u32 = 1;

/// to the user: your task should hurry; finish it soon. error says why
pub const CRECHE_CANCEL: u32 = 2;

/// to the user: more of the request's body, please; creche_task_answer.
/// value: about how many bytes fit at once
pub const CRECHE_PULL: u32 = 3;

/// to the user: a password, please; creche_task_answer
pub const CRECHE_ASK: u32 = 4;

/// bytes of a body: data, data_size
pub const CRECHE_CHUNK: u32 = 5;

/// the end of a stream
pub const CRECHE_END: u32 = 6;

/// a block of rows; value: creche_rows, data: const creche_row_block *
pub const CRECHE_ROWS: u32 = 7;

/// the call of a posted function
pub const CRECHE_POST: u32 = 8;

/// to the user: this task has not ended in its group's grace time
pub const CRECHE_STALLED: u32 = 9;

/// an event of a server; data: const creche_server_event *
pub const CRECHE_EVENT: u32 = 10;

/// a message of a WebSocket: data, data_size
pub const CRECHE_MESSAGE: u32 = 11;

/// what somebody said by NOTIFY; value: a handle, data: const creche_notification *
pub const CRECHE_NOTIFY: u32 = 12;

/// not the last one of its task
pub const CRECHE_MORE: u32 = 1;

/// value is a handle, and yours to release
pub const CRECHE_OWNED: u32 = 2;

/// its scope was cancelled and absorbed it
pub const CRECHE_CAUGHT: u32 = 4;

/// a cancellation from further out passes through
pub const CRECHE_PASSING: u32 = 8;

/// How one task ended, or one step of it. Never grows: it travels in arrays.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_completion {
    /// CRECHE_OK or CRECHE_E_*
    pub status: creche_status,
    /// CRECHE_DONE, ...: what the fields below mean
    pub kind: u32,
    /// CRECHE_MORE, ...; without CRECHE_MORE user and task are dead
    pub flags: u32,
    /// HTTP status, ...
    pub code: u32,
    /// a handle's id, a count, ...
    pub value: u64,
    /// a view into value if that is owned; else until the callback
    /// returns or the drained completion is released
    pub data: *const c_void,
    /// bytes
    pub data_size: usize,
    /// NULL on success, but CRECHE_CANCEL has one; lives as a view in
    /// data does
    pub error: *const creche_error,
    /// from the call that started it
    pub user: *mut c_void,
    pub task: creche_task,
    /// for creche_completions_release only
    pub hold: u64,
    pub reserved: u64,
}

/// Every callback has this type. It runs on the loop's thread, one at a time, must return normally
/// (no exception, no longjmp) and soon; every function not tagged [not on a loop] is legal in it.
/// A thread that ends inside it, or inside any other function that the library was given (a hook, an
/// offloaded function, what frees an argument), by pthread_exit as some runtimes end threads when
/// their process exits, is stopped there for the rest of the process: its loop does nothing any
/// more, nothing else is harmed. pthread_cancel acts on no thread while it is in the library: no
/// function is a cancellation point, the blocking ones included, and the library's own threads
/// cannot be cancelled.
pub type creche_done_fn = Option<unsafe extern "C" fn(user: *mut c_void, completion: *const creche_completion)>;

/// a task, group or scope was started or opened
pub const CRECHE_EVENT_SPAWNED: u32 = 0;

/// a task begins to run: no limit holds it back any more
pub const CRECHE_EVENT_STARTED: u32 = 1;

/// a task, group or scope has ended; its callback may still come
pub const CRECHE_EVENT_ENDED: u32 = 2;

/// a scope (of any kind) was cancelled itself; not for those below it
pub const CRECHE_EVENT_CANCELLED: u32 = 3;

/// a callback blocks the loop, or a task overstays the grace of a group
pub const CRECHE_EVENT_STALLED: u32 = 4;

/// the loop has ended, and this was never released, closed or left
pub const CRECHE_EVENT_LEAKED: u32 = 5;

pub const CRECHE_KIND_LOOP: u32 = 1;

pub const CRECHE_KIND_SCOPE: u32 = 2;

pub const CRECHE_KIND_GROUP: u32 = 3;

/// of the library: a fetch, a query, ...
pub const CRECHE_KIND_OPERATION: u32 = 4;

pub const CRECHE_KIND_SLEEP: u32 = 5;

/// creche_task_spawn
pub const CRECHE_KIND_TASK: u32 = 6;

/// creche_task_open
pub const CRECHE_KIND_EXTERNAL: u32 = 7;

pub const CRECHE_KIND_OFFLOAD: u32 = 8;

/// creche_task_start
pub const CRECHE_KIND_START: u32 = 9;

/// for a limiter, a rate limiter, an event or a channel
pub const CRECHE_KIND_WAIT: u32 = 10;

pub const CRECHE_KIND_QUEUE: u32 = 16;

pub const CRECHE_KIND_SESSION: u32 = 17;

pub const CRECHE_KIND_RESPONSE: u32 = 18;

pub const CRECHE_KIND_POOL: u32 = 19;

pub const CRECHE_KIND_CONNECTION: u32 = 20;

pub const CRECHE_KIND_ROWS: u32 = 21;

/// another owned handle
pub const CRECHE_KIND_OBJECT: u32 = 22;

pub const CRECHE_KIND_LIMITER: u32 = 23;

pub const CRECHE_KIND_RATE: u32 = 24;

pub const CRECHE_KIND_EVENT: u32 = 25;

/// told once, with one of its ends
pub const CRECHE_KIND_CHANNEL: u32 = 26;

/// a posted function, or the last completion of a close
pub const CRECHE_KIND_POST: u32 = 32;

/// What happened. Made by the library only, so it may grow at its end: read a field only if `size`
/// covers it. It and what it points to live until the hook returns. Never NULL: name, site, text.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_trace_event {
    pub size: u32,
    /// 0
    pub flags: u32,
    /// CRECHE_EVENT_*
    pub event: u32,
    /// CRECHE_KIND_*
    pub kind: u32,
    /// stalled: the kind of the completion whose callback it is (CRECHE_BEGIN, ...);
    /// CRECHE_STALLED: a task that overstays the grace time of its group
    pub what: u32,
    /// cancelled: CRECHE_REASON_*
    pub reason: u32,
    /// ended: of its completion; of a scope its outcome
    pub status: creche_status,
    pub reserved: u32,
    pub loop_: creche_loop,
    /// its handle, which may have ended; 0: it has none
    pub id: u64,
    /// what it is in, or {0}
    pub parent: creche_scope,
    /// cancelled: who did it, as in creche_error
    pub by: creche_scope,
    /// when, on the loop's clock
    pub time: i64,
    /// nanoseconds. ended, leaked: its age; stalled: how long the callback has been
    /// running at least, in real time; -1: unknown
    pub duration: i64,
    /// "" if it has none
    pub name: *const c_char,
    /// where it was started, "" if that was not given
    pub site: *const c_char,
    /// cancelled: the text of an explicit one, else ""
    pub text: *const c_char,
    /// stalled: the function that blocks, or NULL
    pub callback: creche_done_fn,
}

/// A hook. It may call any function of the library, but those tagged [not on a loop] return
/// CRECHE_E_WOULD_DEADLOCK in it. It must return normally and soon.
pub type creche_hook_fn = Option<unsafe extern "C" fn(user: *mut c_void, event: *const creche_trace_event)>;

/// Hooks of a loop, given when it is opened and copied; NULL: nobody is told of that, at no cost.
/// All but `stalled` are called one at a time and in the order in which things happened, each as soon
/// as it can be: on the thread whose call made it happen, before that call returns; on the loop's
/// thread for what happened there, between its callbacks (what is told of a task comes before the
/// callback of the same); or on another such thread that is just calling hooks. `stalled` is called on
/// a thread of the library while the loop is blocked, whatever other hooks do meanwhile; only those
/// that overstay a grace come like the others. `leaked` tells what only the end of the loop has closed
/// (groups, scopes, sessions, pools) when it does; of the rest (queues, responses, connections, rows,
/// groups to be joined) what is still held, on the thread that joins the loop.
/// None is called after creche_loop_join has succeeded. An event for which there is no memory is
/// dropped and counted (creche_loop_counters.events_lost).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_hooks {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    pub user: *mut c_void,
    pub spawned: creche_hook_fn,
    pub started: creche_hook_fn,
    pub ended: creche_hook_fn,
    pub cancelled: creche_hook_fn,
    pub stalled: creche_hook_fn,
    pub leaked: creche_hook_fn,
}

pub const CRECHE_LOG_NONE: u32 = 0;

pub const CRECHE_LOG_ERROR: u32 = 1;

/// something was lost, or is wrong, and may go on so
pub const CRECHE_LOG_WARN: u32 = 2;

/// what is done about that; what happens seldom
pub const CRECHE_LOG_INFO: u32 = 3;

/// what happens all the time
pub const CRECHE_LOG_DEBUG: u32 = 4;

/// a connection is open [debug: of a session: peer, connection; of a
/// pool: ms, since it was begun with]
pub const CRECHE_LOG_CONNECTED: u32 = 1;

/// none could be opened [warn: error, phase, why]
pub const CRECHE_LOG_CONNECT_FAILED: u32 = 2;

/// one is closed, and the message says why: idle for too long, too old, no
/// answer to be kept after, ... [debug: of a session: peer, connection; why: what a
/// server of HTTP/2 said when it went away]
pub const CRECHE_LOG_CLOSED: u32 = 3;

/// one of a pool's was lost [warn: error, phase, why]
pub const CRECHE_LOG_DROPPED: u32 = 4;

/// a request that has failed is made again: a retry policy, or a kept
/// connection that was dead [info: attempt; error, phase, why; after an
/// answer http_status]
pub const CRECHE_LOG_RETRY: u32 = 5;

/// a stream of events, or a LISTEN, connects anew [info: attempt, delay_ms,
/// and for events error, phase, why]
pub const CRECHE_LOG_RECONNECT: u32 = 6;

/// one is not, for want of a budget: creche_retry.budget [warn: as RETRY]
pub const CRECHE_LOG_RETRY_DENIED: u32 = 7;

/// a group or scope was left open: only the end of what it is in, or of
/// the loop, closes it [kind]
pub const CRECHE_LOG_NOT_CLOSED: u32 = 16;

/// a completion has nowhere to go: `done` is NULL and there is no queue
pub const CRECHE_LOG_NOWHERE: u32 = 17;

/// work was refused, for what it was for is ending [error]
pub const CRECHE_LOG_REFUSED: u32 = 18;

/// A detail of a record. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_log_field {
    /// static
    pub name: *const c_char,
    /// UTF-8; a number is written out here, too. Never NULL
    pub text: *const c_char,
    pub number: i64,
    pub is_number: u32,
    pub reserved: u32,
}

/// What is said. Made by the library only, so it may grow at its end: read a field only if `size` covers
/// it. It and what it points to live until the function returns. Never NULL: message, name, site.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_log_record {
    pub size: u32,
    /// CRECHE_LOG_ERROR, ...
    pub level: u32,
    /// CRECHE_LOG_CONNECTED, ...
    pub event: u32,
    pub fields_count: u32,
    pub loop_: creche_loop,
    /// the handle that it is about (a pool, a task, a group), which may have ended, or 0
    pub id: u64,
    /// on the loop's clock
    pub time: i64,
    /// one line, without the fields
    pub message: *const c_char,
    /// of what it is about, "" for none
    pub name: *const c_char,
    /// where that was started or opened, as its options say (CRECHE_HERE), or ""
    pub site: *const c_char,
    pub fields: *const creche_log_field,
}

/// It may call any function of the library, but those tagged [not on a loop] return
/// CRECHE_E_WOULD_DEADLOCK in it. It must return normally and soon.
pub type creche_log_fn = Option<unsafe extern "C" fn(user: *mut c_void, record: *const creche_log_record)>;

/// A loop's log (creche_loop_options.log). Called as its hooks are (creche/hooks.h): one record at a time, in
/// the order in which things happened, on the loop's thread or that of the call that made it happen; never
/// after creche_loop_join has succeeded. What there is no memory for is counted
/// (creche_loop_counters.events_lost).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_log {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// CRECHE_LOG_*: default CRECHE_LOG_INFO
    pub level: u32,
    /// 0
    pub reserved: u32,
    /// NULL: nobody is told
    pub write: creche_log_fn,
    pub user: *mut c_void,
}

/// on a thread of its own, all signals blocked in it
pub const CRECHE_RUN_THREAD: u32 = 0;

/// by creche_loop_run and creche_loop_poll, on the thread that calls them,
/// and while that waits in creche_group_join or creche_queue_wait
pub const CRECHE_RUN_CALLER: u32 = 1;

pub const CRECHE_LOOP_DEBUG: u32 = 1;

/// the system's monotonic clock
pub const CRECHE_CLOCK_REAL: u32 = 0;

/// for tests: begins at 0, stands still while anything can happen, and
/// jumps to the next deadline when nothing can; see creche_clock_hold
pub const CRECHE_CLOCK_VIRTUAL: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_loop_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_LOOP_*
    pub flags: u32,
    /// CRECHE_RUN_*
    pub run: u32,
    /// worker threads for creche_offload at the most; default 40
    pub offload_limit: u32,
    /// CRECHE_CLOCK_*
    pub clock: u32,
    /// 0
    pub reserved: u32,
    /// for tests: not 0: callbacks that may run in any order do so in one drawn
    /// from this seed, the same each time
    pub shuffle_seed: u64,
    /// for dumps and the thread's name; copied; may be NULL
    pub name: *const c_char,
    /// the loop's own completion, on the loop's thread, its last callback;
    /// NULL: nobody is told
    pub done: creche_done_fn,
    pub user: *mut c_void,
    /// of tasks started outside of any; the struct is copied, the data
    /// is the library's to drop; may be NULL
    pub context: *const creche_context,
    /// nanoseconds: a callback that takes longer is reported while it does, to
    /// hooks->stalled and the counters, by a thread that looks four times in
    /// that time (and again each time that it has doubled); 0: off
    pub stall_after: i64,
    /// copied; may be NULL
    pub hooks: *const creche_hooks,
    /// nanoseconds that the loop looks again and again for something to do before
    /// it sleeps; 0 (the default): it sleeps at once. What comes in that time is
    /// served without the price of a sleep and a wake-up, which is most of the
    /// time of a round trip on one connection; while the loop has nothing to do
    /// its thread uses all of its processor for so long, each time. 50,000 (50 us)
    /// is a good value for a processor that can be spared. A virtual clock does
    /// not know it; a signal that comes in it ends no wait.
    pub busy_poll: i64,
    /// copied; NULL: none
    pub log: *const creche_log,
}

/// for people: one node a line, indented; what is no printable UTF-8 in a
/// name as \xNN
pub const CRECHE_DUMP_TEXT: u32 = 0;

/// for programs: {"format": 1, "loop": id, "now": ns, "nodes": [...]}, parents
/// before their children, one node a line: {"id", "parent" (null for the
/// loop), "kind" (loop, scope, group, operation, sleep, task, external,
/// offload, start, wait), "name", "site" ("" if not given), "state" (open,
/// closed, waiting, starting, running, asleep, finished, leaving),
/// "waits_for" (text or null), "age" (ns; null for scopes), "left" (ns to
/// its own deadline, or null), "shield", "cancelled" (null or {"reason",
/// "by", "text"}), "live" (tasks, scopes and groups directly in it), "leases"
/// (what it holds)}; later versions may add keys. What is no UTF-8 becomes
/// U+FFFD
pub const CRECHE_DUMP_JSON: u32 = 1;

/// for Graphviz: dot -Tsvg
pub const CRECHE_DUMP_DOT: u32 = 2;

/// What has happened in a loop so far, and what lives in it now. Sized: set by _counters from size.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_loop_counters {
    pub size: u32,
    pub flags: u32,
    /// of the loop
    pub turns: u64,
    /// tasks and groups
    pub started: u64,
    /// tasks and groups
    pub ended: u64,
    /// delivered, all kinds
    pub completions: u64,
    /// tasks that ended with CRECHE_E_CANCELLED
    pub cancelled: u64,
    /// failures of root tasks that nobody was told of
    pub unobserved: u64,
    pub posts: u64,
    pub live_tasks: u64,
    pub live_groups: u64,
    pub live_scopes: u64,
    /// connections and unfinished responses that are held
    pub live_leases: u64,
    /// nanoseconds; as in creche_loop_get_lag
    pub longest_callback: u64,
    /// reports of callbacks that took longer than stall_after
    pub stalls: u64,
    /// groups and scopes that were left open: only the loop's end closed them
    pub leaked: u64,
    /// of it, not released: queues, sessions, pools, responses, connections,
    /// rows, limiters, rate limiters, events, ends of channels; counting
    /// them looks at each
    pub live_handles: u64,
    /// for which there was no memory
    pub events_lost: u64,
}

/// How often something took how long. buckets[i] counts times from 2^i up to 2^(i+1) nanoseconds, the
/// first one 0 too, the last one all that are longer. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_histogram {
    pub count: u64,
    /// nanoseconds
    pub sum: u64,
    /// nanoseconds
    pub max: u64,
    pub buckets: [u64; 40],
}

/// What keeps others waiting in a loop, in real time, since it was opened. Sized.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_loop_lag {
    pub size: u32,
    pub flags: u32,
    /// the work of each turn, from its first event to its last callback
    pub turns: creche_histogram,
    /// the longest callback of each turn that has any. The clock is read
    /// once for up to 16 of them, so up to 15 short ones may be in it
    pub callbacks: creche_histogram,
}

/// CRECHE_E_TIMEOUT, a failure
pub const CRECHE_FAIL: u32 = 0;

/// no failure: a scope's outcome is OK with CRECHE_CAUGHT
pub const CRECHE_MOVE_ON: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_scope_options {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// CRECHE_FAIL, CRECHE_MOVE_ON
    pub on_timeout: u32,
    /// 1: cancellation from outside does not come in
    pub shield: u32,
    /// nanoseconds from the call; CRECHE_NEVER. Not both of these.
    pub timeout: i64,
    /// a point of the loop's clock; CRECHE_NEVER; in the past: cancelled at once
    pub deadline: i64,
    /// for dumps; copied; may be NULL
    pub name: *const c_char,
    /// where it was opened, for dumps: CRECHE_HERE; copied; may be NULL
    pub site: *const c_char,
}

/// How a scope or group was left. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_outcome {
    /// CRECHE_OK, CRECHE_E_TIMEOUT, CRECHE_E_CANCELLED (from further out);
    /// for a group any outcome of it
    pub status: creche_status,
    /// CRECHE_CAUGHT, CRECHE_PASSING
    pub flags: u32,
    /// CRECHE_REASON_* if it was cancelled
    pub reason: u32,
    pub reserved: u32,
}

/// A look at a scope; reading never changes it. Sized.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_scope_state {
    pub size: u32,
    pub flags: u32,
    /// it was cancelled itself
    pub called: u32,
    /// it or, unless shielded, something around it was cancelled
    pub effective: u32,
    pub shield: u32,
    /// a CRECHE_E_CANCELLED has reached it
    pub reached: u32,
    /// CRECHE_REASON_*, of what makes it effective
    pub reason: u32,
    /// tasks, scopes, groups and leases directly in it
    pub live: u32,
    /// it would absorb the cancellation if it were left now
    pub caught: u32,
    pub reserved: u32,
    /// its own
    pub deadline: i64,
    /// the nearest up to and including the first shield (in what starts
    /// for a group, of both sides); INT64_MIN if effectively cancelled
    pub effective_deadline: i64,
}

/// the first failure cancels the siblings
pub const CRECHE_FAIL_FAST: u32 = 0;

/// errors are results: the group never says CRECHE_E_GROUP
pub const CRECHE_COLLECT: u32 = 1;

/// the first success cancels the rest; errors count only if none succeeds
pub const CRECHE_RACE: u32 = 2;

/// its outcome and error are kept for creche_group_join(_error)
pub const CRECHE_GROUP_JOINABLE: u32 = 1;

/// a child counts as alive, and against limit, until its drained
/// completion is released
pub const CRECHE_GROUP_UNTIL_RELEASED: u32 = 2;

/// children with `done` NULL do not inherit a queue from outside
pub const CRECHE_GROUP_OWN_QUEUE_ONLY: u32 = 4;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_group_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_GROUP_*
    pub flags: u32,
    /// CRECHE_FAIL_FAST, ...
    pub policy: u32,
    /// CRECHE_FAIL, CRECHE_MOVE_ON
    pub on_timeout: u32,
    pub shield: u32,
    /// children at a time, except groups, the body and leases; 0: no limit. Who
    /// waits when it is cancelled, and a child that creche_task_started brings,
    /// begin at once, and take a place all the same
    pub limit: u32,
    /// failures kept in its error; more are only counted; default 1024
    pub max_errors: u32,
    pub reserved: u32,
    /// nanoseconds from the call, or CRECHE_NEVER. Not both of these.
    pub timeout: i64,
    /// a point of the loop's clock, or CRECHE_NEVER
    pub deadline: i64,
    /// after a cancellation: how long user tasks may take before CRECHE_STALLED
    /// names them; CRECHE_NEVER
    pub grace: i64,
    /// for dumps; copied; may be NULL
    pub name: *const c_char,
    /// where it was opened, for dumps: CRECHE_HERE; copied; may be NULL
    pub site: *const c_char,
    /// where completions of the group and below go if `done` is NULL; {0}: the
    /// nearest from outside
    pub queue: creche_queue,
}

/// external tasks only: it is the body of its group, which has one in its
/// life; its finish closes the group; passes the limit; never the winner
/// of a race
pub const CRECHE_TASK_BODY: u32 = 1;

/// What every operation can be told, through the `task` field of its own options.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_task_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_TASK_*
    pub flags: u32,
    /// CRECHE_FAIL, CRECHE_MOVE_ON
    pub on_timeout: u32,
    /// 1: cancellation from outside does not come in
    pub shield: u32,
    /// nanoseconds from the call, waiting for a limit included; CRECHE_NEVER
    pub timeout: i64,
    /// a point of the loop's clock; CRECHE_NEVER. Not both of these.
    pub deadline: i64,
    /// for dumps and errors; copied; may be NULL
    pub name: *const c_char,
    /// where it was started, for dumps: CRECHE_HERE; copied; may be NULL
    pub site: *const c_char,
    /// where its completion goes if `done` is NULL; {0}: the nearest scope's
    pub queue: creche_queue,
    /// user, external and offloaded tasks; the struct is copied, the
    /// data is the library's to drop once the call has succeeded.
    /// NULL: a copy of the starter's
    pub context: *const creche_context,
}

/// Options of creche_task_start.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_start_options {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// of the start itself; may be NULL
    pub task: *const creche_task_options,
    /// of the task that is started; may be NULL
    pub child: *const creche_task_options,
    /// where the child's own completion goes; NULL: the target's queue,
    /// else nobody is told, and a failure counts all the same
    pub child_done: creche_done_fn,
    pub child_user: *mut c_void,
}

/// A function for a worker thread. Returns the task's status and may store a value. It may call any
/// function of the library, start steps in task.scope, and poll creche_offload_cancelled.
pub type creche_offload_fn = Option<unsafe extern "C" fn(arg: *mut c_void, task: creche_task, value: *mut u64) -> creche_status>;

/// when cancelled, complete at once; the function runs on, its result
/// is dropped, its worker stays counted until it returns
pub const CRECHE_OFFLOAD_ABANDON: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_offload_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_OFFLOAD_*
    pub flags: u32,
    /// called once after the function returned, or if it never ran, on
    /// any thread; may be NULL
    pub arg_free: Option<unsafe extern "C" fn(arg: *mut c_void)>,
    /// may be NULL
    pub task: *const creche_task_options,
    /// which limits it in place of the loop's offload_limit; {0}: none. Its
    /// token comes back when the function has really returned
    pub limiter: creche_limiter,
}

/// the descriptor is a socket, for runtimes that read what they watch
pub const CRECHE_QUEUE_SOCKET: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_queue_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_QUEUE_*
    pub flags: u32,
    /// for dumps; copied; may be NULL
    pub name: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_limiter_options {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// tokens; 1 by default: a lock. 0 is allowed
    pub total: u32,
    pub reserved: u32,
    /// for dumps; copied; may be NULL
    pub name: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_limiter_state {
    /// bytes stored
    pub size: u32,
    /// 0
    pub flags: u32,
    /// tokens
    pub total: u32,
    /// of those, given out; more than total after it was lowered
    pub borrowed: u32,
    /// tasks, offloaded functions among them
    pub waiting: u32,
}

/// A token bucket: it is full of `burst` permits at first and gains `permits` in each `interval`, evenly
/// and at most up to `burst`. Computed in integers on the loop's clock: never early, and no rounding
/// adds up. A loop that wakes late makes up for at most one permit, so that no burst follows a stall.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_rate_options {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// in each interval; 1 or more; 1 by default
    pub permits: u32,
    /// what the bucket holds; 0, the default: as many as `permits`
    pub burst: u32,
    /// nanoseconds; 1 or more; a second by default
    pub interval: i64,
    /// for dumps; copied; may be NULL
    pub name: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_rate_state {
    /// bytes stored
    pub size: u32,
    /// 0
    pub flags: u32,
    /// permits in the bucket, rounded down
    pub available: u32,
    /// tasks
    pub waiting: u32,
    /// when the first who waits, else one permit, will be served; a point of the
    /// loop's clock; CRECHE_NEVER while paused for ever
    pub next: i64,
    /// a point of the loop's clock; 0 if it is not paused
    pub paused_until: i64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_event_options {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// for dumps; copied; may be NULL
    pub name: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_channel_options {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// items that wait for a receiver; 0, the default: each send meets a receive
    pub capacity: u32,
    pub reserved: u32,
    /// called once for each item that was accepted and
    /// that nobody will take, on any thread; may be NULL
    pub item_free: Option<unsafe extern "C" fn(user: *mut c_void, item: u64)>,
    /// for item_free
    pub item_user: *mut c_void,
    /// for dumps; copied; may be NULL
    pub name: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_channel_state {
    /// bytes stored
    pub size: u32,
    /// 0
    pub flags: u32,
    /// in the channel; more than capacity after some were put back
    pub items: u32,
    pub capacity: u32,
    /// handles
    pub senders: u32,
    /// handles
    pub receivers: u32,
    /// tasks that wait for a place or a receiver
    pub sending: u32,
    /// tasks that wait for an item
    pub receiving: u32,
}

/// A name and a value: of a query, of a form. Bytes, UTF-8 by custom, not encoded. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_param {
    /// NUL-terminated
    pub name: *const c_char,
    /// NULL, with value_size 0: none, where that is another thing than an empty one
    pub value: *const c_char,
    pub value_size: usize,
}

/// A part of a file, as a body or in a form. Read at its offset by threads of the library, whatever the
/// position of the descriptor, and anew each time the body is sent; the descriptor is duplicated: close
/// yours when you like. Only what can be read at an offset: no pipe, no socket (pull these). Fewer bytes
/// than announced fail the request with CRECHE_E_BODY, more are not sent. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_file {
    pub fd: i32,
    /// 0
    pub reserved: u32,
    pub offset: u64,
    /// CRECHE_TO_THE_END: what is there at the call
    pub size: u64,
}

pub const CRECHE_TO_THE_END: u64 = u64::MAX;

/// A field of a form: its bytes, or a file. Copied by the call it is given to. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_part {
    pub name: *const c_char,
    /// NULL with value_size 0: an empty one
    pub value: *const c_void,
    pub value_size: usize,
    /// instead of value; NULL: none
    pub file: *const creche_file,
    /// what a server is told as the name of a file; NULL: none
    pub filename: *const c_char,
    /// Content-Type; NULL: none, or application/octet-stream for a file or what
    /// has a filename
    pub type_: *const c_char,
}

pub const CRECHE_CODING_NONE: u32 = 0;

pub const CRECHE_CODING_GZIP: u32 = 1;

/// with zlib's header, as the standard says
pub const CRECHE_CODING_DEFLATE: u32 = 2;

/// a POST or PATCH, too, may be made twice
pub const CRECHE_RETRY_ANY_METHOD: u32 = 1;

/// wait for the whole delay each time
pub const CRECHE_RETRY_NO_JITTER: u32 = 2;

/// however many others are made again
pub const CRECHE_RETRY_NO_BUDGET: u32 = 4;

/// A policy: of a session (creche_session_options.retry) or a request (creche_request_options.retry).
/// A request that has one is made again, up to `attempts` in all,
/// - after a failure that may pass: no connection (also for want of a name, if the resolver says that
///   it may try again), one that broke, a timeout of a phase, a body that was cut; never after one that
///   waited for a connection of the session, and never once you have the head of a stream;
/// - after an answer with one of `statuses`;
/// if nothing of it had been sent, or its method is GET, HEAD, OPTIONS, TRACE, PUT or DELETE, or it has
/// an Idempotency-Key among its own header fields, or by CRECHE_RETRY_ANY_METHOD; and if its body is
/// there: of a pulled one nothing may have been pulled. Otherwise the failure or the answer is yours, as
/// it is when no attempt is left, or when the next one would begin at or after the deadline of its task
/// or of a scope around it.
/// It waits a random time of up to `delay` before the second attempt, of up to twice as much before the
/// third and so on, up to max_delay ("full jitter"); or, after an answer with a Retry-After of seconds
/// or a date, just as long as that says (a date from the answer's own Date on, if it has one; the past is
/// now), up to max_retry_after. It holds no connection meanwhile.
/// The budget keeps the retries of a session few when a server is down for all: each request with a
/// policy adds `budget` hundredths of a retry, each retry takes one; besides there are 10 retries each
/// 10 s. Sending again over a new connection because a kept one was dead is no such attempt, and neither
/// is a redirect; a connection that was lost after that may be.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_retry {
    /// set by _init
    pub size: u32,
    /// CRECHE_RETRY_*
    pub flags: u32,
    /// in all; default 3; 1: it is never made again
    pub attempts: u32,
    /// percent; default 20
    pub budget: u32,
    /// nanoseconds; default 100 ms
    pub delay: i64,
    /// default 10 s
    pub max_delay: i64,
    /// default 60 s; 0: Retry-After is not looked at
    pub max_retry_after: i64,
    /// 400 to 599; NULL, with statuses_count 0: 408, 429, 502, 503, 504; a
    /// list of none: no answer is made again; copied
    pub statuses: *const u16,
    pub statuses_count: usize,
}

/// user and password; at once, but with DIGEST only when it is asked for
pub const CRECHE_AUTH_BASIC: u32 = 1;

/// user and password, when they are asked for: SHA-512-256, SHA-256, MD5 (the
/// strongest that is offered), -sess, qop auth or auth-int, userhash; later
/// requests to that origin answer the same challenge at once
pub const CRECHE_AUTH_DIGEST: u32 = 2;

/// a token, at once
pub const CRECHE_AUTH_BEARER: u32 = 4;

/// Gives another token where the last one was answered by 401: stores up to `capacity` bytes and returns
/// how many; 0 or less: there is none. Called on the loop, where it may not block, once for each hop of a
/// request; the token is used for all later requests of the session, too.
pub type creche_token_fn = Option<unsafe extern "C" fn(user: *mut c_void, token: *mut c_char, capacity: usize) -> i64>;

/// That a token is needed. Made by the library only, so it may grow at its end: read a field only if `size`
/// covers it. It lives until the function returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_token_ask {
    pub size: u32,
    /// 1: a 401 has answered the last one; 0: there is none yet
    pub refused: u32,
    pub session: creche_session,
    /// for creche_session_give_token
    pub id: u64,
}

/// Is told that a token is needed, which creche_session_give_token gives now or later, from any thread. Called
/// on the loop, where it may not block: when a 401 has answered the last token, and before the first request
/// if there is none. One at a time: until it is answered, requests that would show a token wait for it
/// together, in phase "auth", within the deadlines of their tasks. A request asks once on each hop: a 401
/// that answers the new token, too, is its answer.
pub type creche_token_ask_fn = Option<unsafe extern "C" fn(user: *mut c_void, ask: *const creche_token_ask)>;

/// What is shown to servers, at the origin of the request and nowhere else. In place of it goes an
/// Authorization of the request's own, or the user info of its URL. A 401 that it answers is read over and
/// the request sent again, once (twice if only the nonce had become old); all others, and those of a
/// request of whose body something was pulled, are yours.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_auth {
    /// sizeof the struct
    pub size: u32,
    /// CRECHE_AUTH_*: BASIC, DIGEST or both; or BEARER
    pub schemes: u32,
    /// without ':' for BASIC
    pub user: *const c_char,
    /// NULL: empty
    pub password: *const c_char,
    /// of BEARER; NULL: the callback's
    pub token: *const c_char,
    /// NULL: none; called until the session is closed
    pub refresh: creche_token_fn,
    pub refresh_user: *mut c_void,
    /// in place of refresh, if a token takes its time: called with refresh_user until
    /// the session is closed; NULL: none
    pub ask: creche_token_ask_fn,
}

/// A jar. It belongs to no loop: sessions of any may share it (creche_session_options.cookies), and so
/// does it outlive them. Owned: release it once; sessions that have it keep it. What it does follows
/// RFC 6265 and its successor:
/// - What answers say in Set-Cookie is kept, those of redirects, too, and sent on the next hop; what is
///   to be sent is looked up for each hop anew, and is of the moment: nothing that has expired.
/// - A Domain attribute must be the host's or one above it, and no public suffix ("co.uk", "github.io";
///   libpsl's list), else the cookie is ignored; without one a cookie is for its host alone, as are
///   those of IP addresses.
/// - Secure cookies are taken from and sent to https URLs only, and cannot be hidden by cookies of
///   http ones. __Secure- and __Host- cookies (in any case of letters) must be what these say.
/// - Cookies of one name on several paths are all sent, the longest path first, then the oldest.
/// - ws:// and wss:// URLs have the cookies of http:// and https:// ones.
/// - Max-Age goes before Expires, which may be in any form that servers ever wrote.
/// - A field with a control character, a pair of more than 4096 bytes, and one without name and value
///   are ignored. Where there are too many, those that are not Secure and were used longest ago go.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct creche_cookie_jar {
    pub id: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_cookie_jar_options {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// default 3000
    pub max_cookies: u32,
    /// default 180
    pub max_per_domain: u32,
}

pub const CRECHE_COOKIE_SECURE: u32 = 1;

pub const CRECHE_COOKIE_HTTP_ONLY: u32 = 2;

/// for the host `domain`, not for those below it
pub const CRECHE_COOKIE_HOST_ONLY: u32 = 4;

/// A cookie. Sized.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_cookie {
    /// sizeof the struct
    pub size: u32,
    /// CRECHE_COOKIE_*
    pub flags: u32,
    pub name: *const c_char,
    pub value: *const c_char,
    /// a host or an IP address; a dot before it changes nothing
    pub domain: *const c_char,
    /// NULL: "/"
    pub path: *const c_char,
    /// as it was said; kept, and nothing else; NULL or "": not said
    pub same_site: *const c_char,
    /// seconds since 1970; CRECHE_NEVER: with the session of its user
    pub expires: i64,
}

/// seven fields a line: what curl and wget have; without SameSite
pub const CRECHE_COOKIES_NETSCAPE: u32 = 1;

/// an array of objects: name, value, domain, path, expires (seconds or
/// null), secure, httpOnly, hostOnly, sameSite; others are skipped
pub const CRECHE_COOKIES_JSON: u32 = 2;

/// Told of a cookie, whose text lives until it returns; the jar may be used in it. 0 goes on.
pub type creche_cookie_fn = Option<unsafe extern "C" fn(cookie: *const creche_cookie, user: *mut c_void) -> i32>;

/// verify nothing: for tests, or with pins in place of authorities
pub const CRECHE_TLS_INSECURE: u32 = 1;

/// trust the system's authorities, too, beside those given here
pub const CRECHE_TLS_SYSTEM_CAS: u32 = 2;

/// offer no protocol
pub const CRECHE_TLS_NO_ALPN: u32 = 4;

/// neither keep sessions nor offer them for resumption
pub const CRECHE_TLS_NO_RESUME: u32 = 8;

pub const CRECHE_TLS_1_2: u32 = 12;

pub const CRECHE_TLS_1_3: u32 = 13;

/// What is given as bytes is PEM or, if it is one certificate or key, DER. All of it is copied.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_tls_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_TLS_*
    pub flags: u32,
    pub ca_file: *const c_char,
    pub ca_folder: *const c_char,
    pub ca_data: *const c_void,
    pub ca_size: usize,
    pub cert_file: *const c_char,
    pub cert_data: *const c_void,
    pub cert_size: usize,
    /// neither this nor key_data: it is in the same place as the certificate
    pub key_file: *const c_char,
    pub key_data: *const c_void,
    pub key_size: usize,
    /// of an encrypted key; nobody is asked on a terminal
    pub key_password: *const c_char,
    /// default 0: TLS 1.2
    pub min_version: u32,
    /// default 0: the newest
    pub max_version: u32,
    /// of TLS 1.2, as OpenSSL writes them: "ECDHE+AESGCM"
    pub ciphers: *const c_char,
    /// of TLS 1.3: "TLS_AES_128_GCM_SHA256"
    pub ciphersuites: *const c_char,
    /// for SNI and the certificate, in place of the URL's host
    pub server_name: *const c_char,
    /// the server's must be one of these, beside all else that is verified:
    /// "sha256//BASE64", its public key (as curl has it), or
    /// "cert-sha256:HEX", the certificate itself; SHA-256
    pub pins: *const *const c_char,
    pub pins_count: usize,
    /// PEM, lists of revoked certificates: those of servers are looked up, and
    /// those of an issuer without a list are refused
    pub crl_file: *const c_char,
    /// secrets are appended to it, for who looks at packets (NSS format)
    pub key_log_file: *const c_char,
}

/// A header field. Names are tokens; values are bytes without CR, LF and NUL. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_header {
    /// NUL-terminated
    pub name: *const c_char,
    pub value: *const c_char,
    pub value_size: usize,
}

pub const CRECHE_CERTIFICATE_DER: u32 = 0;

/// text
pub const CRECHE_CERTIFICATE_PEM: u32 = 1;

/// A redirect that was followed. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_redirect {
    /// that answered so; it lives as long as the response
    pub url: *const c_char,
    pub status: u32,
    pub reserved: u32,
}

/// Where the time of a request went: points of the loop's clock, 0 for what did not happen. Sized.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_response_info {
    pub size: u32,
    pub flags: u32,
    /// the call
    pub started: i64,
    /// a connection was there (new or kept)
    pub connected: i64,
    pub sent: i64,
    pub first_byte: i64,
    /// the end of the body, 0 before
    pub ended: i64,
    /// as received, coded
    pub body_bytes: u64,
    /// 1: on a kept connection
    pub reused: u32,
    pub redirects: u32,
    /// of HTTP/1.x
    pub http_minor: u32,
    /// 1: over TLS
    pub tls: u32,
    /// 1, and what a retry policy made after the first
    pub attempts: u32,
    pub reserved: u32,
    /// of the connection: "192.0.2.1:443", "[2001:db8::1]:80"; of the proxy, if there is
    /// one. These texts live as long as the response
    pub peer: *const c_char,
    /// "TLSv1.3"; NULL without TLS
    pub tls_version: *const c_char,
    /// "TLS_AES_256_GCM_SHA384"; NULL without TLS
    pub tls_cipher: *const c_char,
    /// this end of the connection, as peer
    pub local: *const c_char,
    /// the number of the connection in its session, from 1 on
    pub connection: u64,
    /// of the body, decoded: of a stream what has been read so far
    pub decoded_bytes: u64,
    /// sent so far, head and body, in the last attempt
    pub request_bytes: u64,
    /// in line for a connection
    pub queue_time: i64,
    /// these: of a connection that was made for it
    pub dns_time: i64,
    /// TCP
    pub connect_time: i64,
    pub proxy_time: i64,
    /// handshakes
    pub tls_time: i64,
    /// 1, or 2: HTTP/2 (http_minor is 0 then)
    pub http_major: u32,
    /// the number of tls_cipher at IANA: 0x1302; 0 without TLS
    pub tls_cipher_id: u32,
    /// behind the status: "Not Found"; "" for none, as in HTTP/2. These, too, live as
    /// long as the response
    pub reason: *const c_char,
    /// of the request that was answered: redirects may have made another of yours
    pub method: *const c_char,
    /// the protocol that the TLS handshake agreed on: "h2", "http/1.1"; NULL: none
    pub alpn: *const c_char,
    /// what Retry-After asks to wait, in nanoseconds; a date counts from the answer's
    /// own Date on, or from now; 0: it has passed; -1: nothing that can be read
    pub retry_after: i64,
    /// of the answer's head, as received; in HTTP/2 before compression
    pub head_bytes: u64,
}

/// before it is sent: each attempt and each hop, with its own header fields
pub const CRECHE_TURN_REQUEST: u32 = 0;

/// the head of an answer has come, of each attempt and hop; its body waits
pub const CRECHE_TURN_RESPONSE: u32 = 1;

/// an attempt has failed; it holds no connection any more
pub const CRECHE_TURN_FAILURE: u32 = 2;

/// What is asked. Made by the library only, so it may grow at its end: read a field only if `size` covers
/// it. It and what it points to live until the function returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_turn {
    pub size: u32,
    /// CRECHE_TURN_*
    pub what: u32,
    pub session: creche_session,
    /// for creche_session_decide
    pub id: u64,
    /// that makes the request
    pub task: creche_task,
    /// of the call that started it
    pub user: *mut c_void,
    /// from 1 on: what was sent before, or not, counts
    pub attempt: u32,
    /// RESPONSE
    pub http_status: u32,
    pub method: *const c_char,
    /// with its query, without user info
    pub url: *const c_char,
    /// REQUEST, FAILURE: the request's own; RESPONSE: the answer's
    pub headers: *const creche_header,
    pub headers_count: usize,
    /// FAILURE
    pub error: *const creche_error,
}

/// go on as without this: send it; deliver it, or follow a redirect, a retry
/// policy, a challenge; fail
pub const CRECHE_TURN_GO: u32 = 0;

/// RESPONSE, FAILURE: make it again, to the same place, after `delay`. Not of a
/// body that was pulled and is gone, nor more often than `most_again`: then as GO
pub const CRECHE_TURN_AGAIN: u32 = 1;

/// this is the answer, as it is: nothing is sent (any more), nothing decoded,
/// followed or refused. Not for a WebSocket (CRECHE_E_PROTOCOL)
pub const CRECHE_TURN_ANSWER: u32 = 2;

/// fail with `status`
pub const CRECHE_TURN_FAIL: u32 = 3;

/// What is decided. Zero bytes are GO.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_decision {
    /// sizeof the struct
    pub size: u32,
    /// CRECHE_TURN_GO, ...
    pub action: u32,
    pub headers: *const creche_header,
    pub headers_count: usize,
    /// nanoseconds
    pub delay: i64,
    /// ANSWER: 200 to 999
    pub http_status: u32,
    /// FAIL: CRECHE_E_USER, -1000 or below, or one that was met
    pub status: creche_status,
    /// ANSWER; copied
    pub body: *const c_void,
    pub body_size: usize,
}

/// Is asked. Called on the loop, where it may not block; creche_session_decide answers, inside or later, from
/// any thread. Until then the request waits, within the deadline of its task, in phase "limit" before it is
/// sent, else where it was; the server is held back. If the request ends before, the question is over.
pub type creche_turn_fn = Option<unsafe extern "C" fn(user: *mut c_void, turn: *const creche_turn)>;

/// A session's (creche_session_options.middleware). Cookies, credentials and proxies are looked up behind it:
/// what it sets goes before them. It hears of nothing that the library does by itself for one attempt (an
/// old connection, Expect, a proxy's 407), and of no warm-up. Nobody pays for it who has none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_middleware {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// CRECHE_TURN_BITs of what is asked; default: all
    pub turns: u32,
    /// that one request is made again for its sake; default 10
    pub most_again: u32,
    /// called until the session's close is complete
    pub ask: creche_turn_fn,
    pub user: *mut c_void,
}

/// it begins, for the first time
pub const CRECHE_WATCH_REQUEST_START: u32 = 0;

/// the answer has been received whole; or it failed, or was
/// cancelled (CRECHE_E_CANCELLED, no error) [status, error,
/// duration, bytes of the body]
pub const CRECHE_WATCH_REQUEST_END: u32 = 1;

/// it goes to another place [http_status; url: the new one]
pub const CRECHE_WATCH_REDIRECT: u32 = 2;

/// it is made again, to the same place: a retry, credentials
pub const CRECHE_WATCH_AGAIN: u32 = 3;

/// it waits for a connection
pub const CRECHE_WATCH_QUEUE_START: u32 = 4;

/// [duration]
pub const CRECHE_WATCH_QUEUE_END: u32 = 5;

/// one is made for it
pub const CRECHE_WATCH_CONNECTION_START: u32 = 6;

/// it is there, or failed [duration, connection; status, error]
pub const CRECHE_WATCH_CONNECTION_END: u32 = 7;

/// it has a kept one [connection]
pub const CRECHE_WATCH_CONNECTION_REUSED: u32 = 8;

/// of the session's hook only, for no request [connection]
pub const CRECHE_WATCH_CONNECTION_CLOSED: u32 = 9;

pub const CRECHE_WATCH_DNS_START: u32 = 10;

/// [duration]
pub const CRECHE_WATCH_DNS_END: u32 = 11;

/// before DNS_END: the addresses were known,
pub const CRECHE_WATCH_DNS_CACHE_HIT: u32 = 12;

/// or had to be asked for
pub const CRECHE_WATCH_DNS_CACHE_MISS: u32 = 13;

pub const CRECHE_WATCH_TCP_START: u32 = 14;

/// [duration]
pub const CRECHE_WATCH_TCP_END: u32 = 15;

pub const CRECHE_WATCH_PROXY_START: u32 = 16;

/// [duration]
pub const CRECHE_WATCH_PROXY_END: u32 = 17;

pub const CRECHE_WATCH_TLS_START: u32 = 18;

/// [duration]
pub const CRECHE_WATCH_TLS_END: u32 = 19;

/// [bytes of the head]
pub const CRECHE_WATCH_HEADERS_SENT: u32 = 20;

/// [bytes of the body, framing counted, sent so far]
pub const CRECHE_WATCH_CHUNK_SENT: u32 = 21;

/// a 1xx has come, but 101 [http_status, headers]: 32 of them at
/// the most
pub const CRECHE_WATCH_INFORMATIONAL: u32 = 22;

/// the head of an answer, of each hop [http_status, headers]
pub const CRECHE_WATCH_HEADERS_RECEIVED: u32 = 23;

/// [bytes of the body, coded, received so far]
pub const CRECHE_WATCH_CHUNK_RECEIVED: u32 = 24;

/// What happened. Made by the library only, so it may grow at its end: read a field only if `size`
/// covers it. It and what it points to live until the function returns. Never NULL: method, url.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_request_event {
    pub size: u32,
    /// CRECHE_WATCH_*
    pub event: u32,
    /// that makes the request; {0}: none
    pub task: creche_task,
    /// of the call that started it
    pub user: *mut c_void,
    /// on the loop's clock
    pub time: i64,
    /// nanoseconds
    pub duration: i64,
    pub status: creche_status,
    /// of the last head, or 0
    pub http_status: u32,
    /// as in creche_response_info; 0: not yet
    pub connection: u64,
    pub bytes: u64,
    pub method: *const c_char,
    /// without user info and query
    pub url: *const c_char,
    /// of the connection; NULL: not yet
    pub peer: *const c_char,
    pub headers: *const creche_header,
    pub headers_count: usize,
    /// or NULL
    pub error: *const creche_error,
}

/// Called on the loop. It may call any function of the library but those tagged [not on a loop]. It must
/// return normally and soon.
pub type creche_watch_fn = Option<unsafe extern "C" fn(user: *mut c_void, event: *const creche_request_event)>;

/// Says of which trace a request is a part: stores what the field `traceparent` (W3C Trace Context) is to
/// say, 55 characters, and returns 55; or 0: nothing. context: what creche_scope_get_context says of the
/// request's task, or NULL. What is no traceparent is not sent; a request with such a field of its own
/// is not asked about; it goes along on redirects, to other origins, too. Called on the loop, when the
/// request begins.
pub type creche_traceparent_fn = Option<unsafe extern "C" fn(user: *mut c_void, context: *mut c_void, text: *mut c_char, capacity: usize) -> usize>;

/// A hook, of a session (creche_session_options.watch) or a request (creche_request_options.watch); both
/// are told. A session's is called until its close is complete, a request's until its completion (of a
/// stream: the end of its body). What has started ends before the request does. Nobody hears of warm-ups,
/// and nobody who is not watched pays for it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_watch {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// CRECHE_WATCH_BITs of those that are told; default: all
    pub events: u64,
    /// NULL: nobody is told
    pub tell: creche_watch_fn,
    /// NULL: none; a request's goes before the session's
    pub traceparent: creche_traceparent_fn,
    /// of both
    pub user: *mut c_void,
}

/// A socket that is about to connect. Made by the library only, so it may grow at its end: read a field only
/// if `size` covers it. It lives until the function returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_new_socket {
    pub size: u32,
    /// the library's: set options on it, and leave it open
    pub fd: i32,
    /// where it will connect to: "192.0.2.1:443", "[2001:db8::1]:80", "unix:/path"
    pub address: *const c_char,
}

/// Called with each new socket before it is bound and connects, when the options below are set: to set others,
/// or to choose where connections may go. Returns CRECHE_OK; another status (CRECHE_E_USER, -1000 or below, or
/// the one that it has met) refuses the address: further addresses of the name are tried, and if none answers
/// the request fails with that status, in phase "connect". Called on the loop. It may call any function of
/// the library but those tagged [not on a loop]. It must return normally and soon.
pub type creche_socket_fn = Option<unsafe extern "C" fn(user: *mut c_void, socket: *const creche_new_socket) -> creche_status>;

/// What the kernel refuses of these is CRECHE_E_CONNECT (phase connect), whose message names the field.
/// Those of TCP do not concern Unix sockets. TCP_NODELAY is always set.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_socket_options {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// keep-alive of TCP, which finds out that a silent connection is dead, and
    /// has middle boxes keep it: silence before the first probe, in nanoseconds,
    /// as whole seconds, rounded up. With 0 in these three there is none; 0 in
    /// one: as the system has it
    pub keepalive_idle: i64,
    /// from one probe to the next; the same
    pub keepalive_interval: i64,
    /// probes without an answer that end it
    pub keepalive_count: u32,
    /// 0
    pub reserved: u32,
    /// how long what was sent may stay without an acknowledgement before the
    /// connection ends (TCP_USER_TIMEOUT); nanoseconds, as whole milliseconds,
    /// rounded up; 0: as the system has it
    pub user_timeout: i64,
    /// SO_SNDBUF and SO_RCVBUF, in bytes; 0: the system's, which grow by need
    pub send_buffer: u32,
    pub receive_buffer: u32,
    /// of the network interface that packets go through ("eth0"); what others
    /// come through is not received (SO_BINDTODEVICE); NULL: any; copied
    pub interface_name: *const c_char,
    /// NULL: none; called until the session's close is complete
    pub opened: creche_socket_fn,
    /// of it
    pub user: *mut c_void,
}

/// Timeouts of the phases of a request, in nanoseconds; CRECHE_NEVER for none, 0 for the default of
/// the session (in a session: of the library, in brackets). Each failure names its phase. Time in the
/// pool's queue never counts as connecting. A bound for all of it: task->timeout. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_http_timeouts {
    /// waiting for a connection of the session to be free [never]
    pub pool: i64,
    /// [30 s]
    pub dns: i64,
    /// TCP, all addresses [30 s]
    pub connect: i64,
    /// [30 s]
    pub tls: i64,
    /// a gap without progress in sending; not while a body is pulled [60 s]
    pub send: i64,
    /// from the end of sending to the end of the answer's head, whatever comes
    /// before it: 1xx, or a head in small pieces [300 s]
    pub first_byte: i64,
    /// between two reads: inside a head; of the body's own bytes, while you are
    /// ready to read and all of the request has been sent [60 s]
    pub read_gap: i64,
    /// a proxy to connect: CONNECT, SOCKS [30 s]
    pub proxy: i64,
}

/// do not verify certificates: for tests only
pub const CRECHE_SESSION_INSECURE: u32 = 1;

/// send no Accept-Encoding, leave bodies coded
pub const CRECHE_SESSION_NO_DECODE: u32 = 2;

pub const CRECHE_SESSION_LENIENT: u32 = 4;

/// as CRECHE_REQUEST_FAIL_ON_STATUS, for all requests
pub const CRECHE_SESSION_FAIL_ON_STATUS: u32 = 8;

/// as CRECHE_REQUEST_NO_RETRY, for all requests
pub const CRECHE_SESSION_NO_RETRY: u32 = 16;

pub const CRECHE_SESSION_ENV_PROXY: u32 = 256;

pub const CRECHE_SESSION_NETRC: u32 = 512;

/// a redirect from https to http is CRECHE_E_REDIRECT
pub const CRECHE_SESSION_NO_DOWNGRADE: u32 = 1024;

pub const CRECHE_SESSION_PUBLIC_ONLY: u32 = 2048;

/// Where to connect to instead of what a name means (as --resolve and --connect-to of curl).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_mapped_host {
    /// "example.org", "example.org:443", "[::1]:80"; "*" for all, "*:443"
    pub host: *const c_char,
    /// "127.0.0.1", "127.0.0.1:8443", several by commas; "unix:/path"; or one name,
    /// "other.example:8443". Without a port that of the URL
    pub to: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_session_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_SESSION_*
    pub flags: u32,
    /// connections at the most, idle ones too; default 100; 0: no limit
    pub limit: u32,
    /// for each origin; default 0: no limit
    pub limit_per_host: u32,
    /// requests waiting for a connection; more are CRECHE_E_LIMIT; 0: no limit
    pub max_waiting: u32,
    /// followed for a request; default 10; 0: none, the 3xx is the answer
    pub max_redirects: u32,
    /// of a response's head, see below; default 65536
    pub max_header_bytes: u32,
    /// how long a resolved name is kept; default 10000 milliseconds; 0: not
    pub dns_ttl_ms: u32,
    /// of a whole body, decoded; default 64 MiB; more is CRECHE_E_LIMIT, as
    /// soon as it is announced. A coded one may be twice that and 64 KiB.
    pub max_body: u64,
    /// how long an idle connection is kept; default 15 s
    pub keepalive: i64,
    pub timeouts: creche_http_timeouts,
    /// default "libcreche/0.1.0"; "" for none; copied
    pub user_agent: *const c_char,
    /// PEM file of trusted certificates instead of the system's: CAs,
    /// intermediate ones too, or servers' own; copied path, read now
    pub ca_file: *const c_char,
    /// sent with every request unless it names the same itself; copied
    pub headers: *const creche_header,
    pub headers_count: usize,
    /// where the completion of its close goes if `done` is NULL; {0}: nobody is told
    pub queue: creche_queue,
    /// what URLs of requests without a scheme are joined to, as creche_url_join
    /// does: end its path with a slash, or the last segment gives way. User info in
    /// it is that of all of them. NULL: none; copied
    pub base_url: *const c_char,
    /// see above: "http://user:password@host:port", https://, socks5:// or socks5h://;
    /// default port: 80, 443, 1080; NULL: none, or the environment's; "direct": none;
    /// copied
    pub proxy: *const c_char,
    /// for http and https proxies, those of requests, too; copied
    pub proxy_headers: *const creche_header,
    pub proxy_headers_count: usize,
    /// hosts that need none, by commas: "*"; "example.org" for it and all names
    /// below it; an IP address or net ("10.0.0.0/8"); each with or without
    /// ":port". NULL: none, or the environment's; copied
    pub no_proxy: *const c_char,
    /// when requests are made again; NULL: never, but as said above; copied
    pub retry: *const creche_retry,
    /// a Unix socket that all requests go to, "@name" for an abstract one, in
    /// place of any proxy; TLS and Host are the URL's; NULL: none; copied
    pub unix_path: *const c_char,
    /// the first that fits counts, also for proxies; copied
    pub hosts: *const creche_mapped_host,
    pub hosts_count: usize,
    /// an IP address that connections come from, so that only those of its
    /// family are made; NULL: any; copied
    pub local_address: *const c_char,
    /// {0}: none
    pub cookies: creche_cookie_jar,
    /// for all requests; NULL: none; copied
    pub auth: *const creche_auth,
    /// that a connection carries before it is closed; default 0: no limit
    pub max_requests: u32,
    /// requests that one of HTTP/2 carries at a time; default 0: as many
    /// as the server allows
    pub streams_per_connection: u32,
    /// of a connection, in nanoseconds: it is given to no request in the last
    /// tenth of it at the latest (each at its own moment, so that those made at
    /// a time do not end at a time), and closed when the last one has ended:
    /// for load balancers that would never see it again; default 0: no limit
    pub max_lifetime: i64,
    /// settings of TLS, also for https proxies; {0}: the defaults. Not with ca_file or
    /// CRECHE_SESSION_INSECURE. The session keeps them: the handle may be released
    pub tls: creche_tls,
    /// CRECHE_HTTP_*, see creche/http2.h; default 0: CRECHE_HTTP_1_1
    pub versions: u32,
    /// 0
    pub reserved2: u32,
    /// NULL: none; copied
    pub watch: *const creche_watch,
    /// where a redirect may lead beside the host of the request, as no_proxy
    /// lists hosts; elsewhere is CRECHE_E_REDIRECT; NULL: anywhere; copied
    pub redirect_hosts: *const c_char,
    /// requests to each origin in rate_interval, each attempt and hop counted:
    /// more wait (phase limit), first in, first out; default 0: no limit
    pub rate_per_host: u32,
    /// of them at once, after a pause; default 1
    pub burst_per_host: u32,
    /// nanoseconds; default 1 s
    pub rate_interval: i64,
    /// how long it is kept that there is no such name, dns_ttl_ms at the
    /// most; default 0: 1000
    pub dns_negative_ttl_ms: u32,
    /// for how long behind its time an answer is used if the resolver says
    /// that it has none now; default 0: not
    pub dns_stale_ms: u32,
    /// settings of TLS to https proxies; {0}: the same as to servers
    pub proxy_tls: creche_tls,
    /// decoded bytes of a body for each coded one, beyond the first 64 KiB; more
    /// is CRECHE_E_LIMIT, once what was decoded before has been read. What gzip
    /// makes of zeros is 1030, of text 20; default 0: no limit (max_body bounds
    /// whole bodies, streams are decoded as they are read)
    pub max_expansion: u32,
    /// 0
    pub reserved3: u32,
    /// NULL: none; copied
    pub middleware: *const creche_middleware,
    /// keep-alive, buffers, the interface, a function that sees each
    /// socket: creche/sockets.h; NULL: as the system has it; copied
    pub sockets: *const creche_socket_options,
    /// names of fields, separated by commas, that a redirect to another origin
    /// does not take along, as Authorization; "": none but those that it
    /// never does. Default NULL: where keys are usually shown, X-Api-Key,
    /// Api-Key, X-Auth-Token, X-Access-Token, Private-Token, X-Goog-Api-Key
    /// and X-Amz-Security-Token; copied
    pub private_headers: *const c_char,
}

/// What a session has now and did so far. Sized.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_session_counters {
    pub size: u32,
    pub flags: u32,
    pub requests: u64,
    /// connections opened
    pub connects: u64,
    /// requests on a connection that was kept
    pub reuses: u64,
    /// of a kept connection that turned out dead
    pub retries: u64,
    pub dns_lookups: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    /// connections in use
    pub active: u64,
    pub idle: u64,
    /// requests waiting for a connection
    pub waiting: u64,
    /// made by retry policies, after the first
    pub attempts: u64,
    /// attempts that a policy would have made, had its budget not been spent
    pub retries_denied: u64,
}

/// How long what a session did took so far: for each phase how often how long. Sized.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_session_timings {
    pub size: u32,
    pub flags: u32,
    /// requests that waited for a connection, and got one
    pub pool: creche_histogram,
    /// of new connections: names that were looked up, or known already
    pub dns: creche_histogram,
    pub connect: creche_histogram,
    /// handshakes
    pub tls: creche_histogram,
    /// of answers that have come whole: from the end of sending (of the last
    /// attempt) to their first byte
    pub first_byte: creche_histogram,
    /// of these: from the call to the end of the body
    pub total: creche_histogram,
}

/// for this request: no Accept-Encoding, leave the body coded
pub const CRECHE_REQUEST_NO_DECODE: u32 = 1;

/// the body is pulled: CRECHE_PULL comes where the completion goes
/// (done or a queue), each answered by creche_task_answer
pub const CRECHE_REQUEST_PULL_BODY: u32 = 2;

/// never send again: neither on a new connection when a kept one was
/// dead, nor by a retry policy
pub const CRECHE_REQUEST_NO_RETRY: u32 = 4;

/// for this request: as CRECHE_SESSION_LENIENT
pub const CRECHE_REQUEST_LENIENT: u32 = 8;

pub const CRECHE_REQUEST_FAIL_ON_STATUS: u32 = 16;

/// any status is success, whatever the session says
pub const CRECHE_REQUEST_ANY_STATUS: u32 = 32;

/// the form is sent as multipart/form-data in any case
pub const CRECHE_REQUEST_MULTIPART: u32 = 64;

pub const CRECHE_REQUEST_EXPECT: u32 = 128;

/// neither sends nor keeps those of the session's jar
pub const CRECHE_REQUEST_NO_COOKIES: u32 = 256;

/// shows nothing of the session's auth and netrc
pub const CRECHE_REQUEST_NO_AUTH: u32 = 512;

pub const CRECHE_REQUEST_REWIND: u32 = 1024;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_request_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_REQUEST_*
    pub flags: u32,
    /// a token; default NULL: GET, or POST with a body; copied
    pub method: *const c_char,
    /// copied
    pub headers: *const creche_header,
    pub headers_count: usize,
    /// copied; NULL: none
    pub body: *const c_void,
    /// bytes; for a pulled body its size, or CRECHE_UNKNOWN_SIZE: sent chunked
    pub body_size: usize,
    /// 0: the session's
    pub max_body: u64,
    /// CRECHE_DEFAULT: the session's
    pub max_redirects: u32,
    /// CRECHE_HTTP_*, for all its hops; 0: the session's
    pub versions: u32,
    /// 0 in each: the session's
    pub timeouts: creche_http_timeouts,
    /// may be NULL
    pub task: *const creche_task_options,
    /// appended to the query of the URL, percent-encoded (a blank: %20) but
    /// for letters, digits and "-._~"; in this order, names may come again;
    /// "name=value", without a value "name"; copied
    pub params: *const creche_param,
    pub params_count: usize,
    /// as creche_session_options.proxy, whatever no_proxy says; "direct": none; NULL:
    /// the session's; copied. What is wrong with it is CRECHE_E_INVALID, later
    pub proxy: *const c_char,
    /// NULL: the session's; copied
    pub retry: *const creche_retry,
    /// the body, instead of body; NULL: none; copied
    pub body_file: *const creche_file,
    /// the body is a form of these fields, in this order. If one of them has
    /// a file, a filename or a type, multipart/form-data (RFC 7578), with
    /// the boundary of a Content-Type of yours if that has one; else
    /// application/x-www-form-urlencoded. No line break nor another control
    /// character may stand in a name, filename or type of a multipart
    /// (CRECHE_E_INVALID); NULL: none; copied
    pub form: *const creche_part,
    pub form_count: usize,
    /// CRECHE_CODING_*: the body, whatever it is, is sent coded, in chunks, and
    /// Content-Encoding says so; yours may not be there then
    pub coding: u32,
    pub reserved2: u32,
    /// CRECHE_REQUEST_EXPECT: the wait for 100 Continue, in nanoseconds; then the
    /// body is sent all the same; CRECHE_NEVER for none; 0: 1 s
    pub expect_timeout: i64,
    /// as creche_session_options.unix_path, for this request and its redirects, in
    /// place of any proxy; NULL: the session's, unless proxy is given; copied
    pub unix_path: *const c_char,
    /// NULL: the session's; copied
    pub auth: *const creche_auth,
    /// settings of TLS in place of the session's, for all its hops; {0}: the session's.
    /// Only connections that were made with the same are used
    pub tls: creche_tls,
    /// beside the session's; NULL: none; copied
    pub watch: *const creche_watch,
    /// fetch only: the body, decoded, is written there, from its offset on, by
    /// threads of the library; size: the most, or CRECHE_TO_THE_END; max_body
    /// does not matter. The descriptor is duplicated; O_APPEND is refused. The
    /// completion has no data, value: a response, whose decoded_bytes is what
    /// was written. What cannot be written (a full disk) is CRECHE_E_SYSTEM,
    /// more than size CRECHE_E_LIMIT, a coded body of more than twice size and
    /// 64 KiB, too; what was written before stays. NULL: none; copied
    pub to_file: *const creche_file,
    /// 0: the session's; CRECHE_DEFAULT: no limit
    pub max_expansion: u32,
    /// 0
    pub reserved3: u32,
    /// as the session's, for the fields of this request; NULL: the session's;
    /// copied
    pub private_headers: *const c_char,
}

pub const CRECHE_UNKNOWN_SIZE: usize = usize::MAX;

pub const CRECHE_DEFAULT: u32 = u32::MAX;

pub const CRECHE_HTTP_1_1: u32 = 1;

pub const CRECHE_HTTP_2: u32 = 2;

/// One event. Made by the library only, so it may grow at its end: read a field only if `size` covers
/// it. Texts are UTF-8 (what was none has U+FFFD), with a NUL behind them; they lie in the completion's
/// own memory, for as long as its data does.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_server_event {
    pub size: u32,
    /// the number of the connection that brought it, from 1 on: a greater one than
    /// before says that the stream was lost in between
    pub connection: u32,
    /// "message" if the server names none
    pub type_: *const c_char,
    pub type_size: usize,
    /// lines joined by line feeds; perhaps empty
    pub data: *const c_char,
    pub data_size: usize,
    /// the last that the server has said, in this event or before; or empty
    pub id: *const c_char,
    pub id_size: usize,
}

/// the end of the first stream is the end: nothing is asked for again
pub const CRECHE_EVENTS_ONCE: u32 = 1;

/// ask again also with a method that is not idempotent, such as POST
pub const CRECHE_EVENTS_AGAIN: u32 = 2;

/// each event is yours: value is a handle, CRECHE_OWNED, and data a view
/// into it until creche_value_release. For functions that hand events on:
/// without it an event is released when the function returns, however
/// slowly what it has handed on is worked off
pub const CRECHE_EVENTS_KEEP: u32 = 4;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_events_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_EVENTS_*
    pub flags: u32,
    /// method, headers, body, timeouts, task; may be NULL.
    /// timeouts.read_gap is how long a stream may be silent before it counts as
    /// lost; 0 (and the session's) is no limit here
    pub request: *const creche_request_options,
    /// where to go on; default NULL: at the beginning; copied
    pub last_event_id: *const c_char,
    /// the wait before the next connection, until the server says another; default
    /// 3 s
    pub retry: i64,
    /// the longest wait, whoever says so; default 30 s
    pub max_retry: i64,
    /// bytes of an event's data; default 16 MiB; more is CRECHE_E_LIMIT
    pub max_data: u64,
    /// bytes of events that you may hold unreleased, each with 256 more than its
    /// text; with so many the server is held back; default 256 KiB
    pub max_held: u64,
    /// connections in a row that bring nothing before it fails; default 10; 0: no
    /// limit
    pub attempts: u32,
    /// 0
    pub reserved: u32,
}

/// do not offer permessage-deflate
pub const CRECHE_WEBSOCKET_NO_COMPRESSION: u32 = 1;

/// let its windows go on from message to message: shorter, but some
/// 300 KiB are held by each WebSocket; without it none while nothing
/// is under way
pub const CRECHE_WEBSOCKET_TAKEOVER: u32 = 2;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_websocket_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_WEBSOCKET_*
    pub flags: u32,
    /// headers, timeouts, TLS, proxy, task of the handshake; no body;
    /// may be NULL
    pub request: *const creche_request_options,
    /// subprotocols to offer, the first one is liked best; copied
    pub protocols: *const *const c_char,
    pub protocols_count: usize,
    /// bytes of a message that is received, inflated or not; default 16 MiB; more
    /// ends the WebSocket with CRECHE_E_LIMIT (and 1009 for the server)
    pub max_message: u64,
    /// after so long without a byte a ping is sent; after as long again, counted
    /// once it has gone out, the connection is gone: CRECHE_E_TIMEOUT. Not
    /// while the server is held back; default CRECHE_NEVER
    pub heartbeat: i64,
    /// for the server to answer a close; default 10 s
    pub close_timeout: i64,
}

pub const CRECHE_WEBSOCKET_TEXT: u32 = 1;

pub const CRECHE_WEBSOCKET_BINARY: u32 = 2;

/// text whose type the server infers from where the parameter stands
pub const CRECHE_PG_UNKNOWN: u32 = 0;

pub const CRECHE_PG_BOOL: u32 = 16;

pub const CRECHE_PG_BYTEA: u32 = 17;

pub const CRECHE_PG_INT8: u32 = 20;

pub const CRECHE_PG_INT2: u32 = 21;

pub const CRECHE_PG_INT4: u32 = 23;

pub const CRECHE_PG_TEXT: u32 = 25;

pub const CRECHE_PG_JSON: u32 = 114;

pub const CRECHE_PG_FLOAT4: u32 = 700;

pub const CRECHE_PG_FLOAT8: u32 = 701;

pub const CRECHE_PG_DATE: u32 = 1082;

pub const CRECHE_PG_TIMESTAMP: u32 = 1114;

pub const CRECHE_PG_TIMESTAMPTZ: u32 = 1184;

pub const CRECHE_PG_NUMERIC: u32 = 1700;

pub const CRECHE_PG_UUID: u32 = 2950;

pub const CRECHE_PG_JSONB: u32 = 3802;

/// SQL NULL
pub const CRECHE_VALUE_NULL: u32 = 0;

/// data: PostgreSQL's text form, size bytes
pub const CRECHE_VALUE_TEXT: u32 = 1;

/// data: PostgreSQL's binary form, size bytes
pub const CRECHE_VALUE_BINARY: u32 = 2;

/// integer: for INT2, INT4, INT8, BOOL, oid (26), DATE (days since
/// 1970-01-01) and TIMESTAMP, TIMESTAMPTZ (microseconds since 1970-01-01
/// UTC); INT64_MAX and INT64_MIN of those three are the infinities
pub const CRECHE_VALUE_INTEGER: u32 = 3;

/// real: for FLOAT4, FLOAT8
pub const CRECHE_VALUE_REAL: u32 = 4;

/// One parameter. Copied by the call it is given to. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_value {
    /// an oid, or CRECHE_PG_UNKNOWN
    pub type_: u32,
    /// CRECHE_VALUE_*
    pub form: u32,
    pub integer: i64,
    pub real: f64,
    pub data: *const c_void,
    /// bytes
    pub size: usize,
}

/// One contiguous, position-independent piece of memory, aligned to 8: this header first, then, where
/// the offsets say, columns, names, cells (row after row), text and bytes. Offsets count from the start
/// of the block. It may be copied as block->total_size bytes to another thread or process. All numbers
/// in native order.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_row_block {
    /// CRECHE_ROW_BLOCK_MAGIC
    pub magic: u32,
    /// 1
    pub version: u32,
    /// bytes of all of it
    pub total_size: u64,
    pub row_count: u64,
    pub column_count: u32,
    /// of creche_row_column[column_count]
    pub columns_offset: u32,
    /// of creche_row_cell[row_count * column_count]
    pub cells_offset: u64,
    /// rows that the command changed or returned; -1: not known (yet)
    pub affected: i64,
    /// of the command tag, "INSERT 0 5", NUL-terminated; 0: none (yet)
    pub tag_offset: u32,
    /// of creche_row_type, up to one with oid 0: what types the values have
    /// that are not built in; 0: none
    pub types_offset: u32,
}

pub const CRECHE_ROW_BLOCK_MAGIC: u32 = 0x6b6c6263;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_row_column {
    /// NUL-terminated
    pub name_offset: u32,
    /// oid
    pub type_: u32,
    pub type_modifier: i32,
    /// oid of the table it comes from, or 0
    pub table: u32,
    /// its number there, or 0
    pub table_column: i32,
    /// 1: its cells hold the text, as the server prints it: its type has no binary form
    /// (aclitem, ...), or one that only the server can read (regclass and its like,
    /// money, types of extensions that are not known here, what holds one of these);
    /// else 0
    pub text: u32,
}

/// not known
pub const CRECHE_ROW_TYPE_OTHER: u32 = 0;

/// text
pub const CRECHE_ROW_TYPE_ENUM: u32 = 1;

/// that of the type `of`
pub const CRECHE_ROW_TYPE_DOMAIN: u32 = 2;

/// an array of elements of the type `of`
pub const CRECHE_ROW_TYPE_ARRAY: u32 = 3;

/// a row: how many fields; type, size and bytes of each
pub const CRECHE_ROW_TYPE_COMPOSITE: u32 = 4;

/// a range with bounds of the type `of`
pub const CRECHE_ROW_TYPE_RANGE: u32 = 5;

/// ranges of the type `of`
pub const CRECHE_ROW_TYPE_MULTIRANGE: u32 = 6;

/// text: citext, ...
pub const CRECHE_ROW_TYPE_TEXT: u32 = 7;

/// a byte 1, then text: ltree, lquery, ltxtquery
pub const CRECHE_ROW_TYPE_VERSIONED_TEXT: u32 = 8;

/// how many pairs; size and bytes of each key and each value
pub const CRECHE_ROW_TYPE_HSTORE: u32 = 9;

/// pgvector's: int16 how many, int16 0, so many float4
pub const CRECHE_ROW_TYPE_VECTOR: u32 = 10;

/// A type that is not built in (its oid is 16384 or more, and differs from database to database).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_row_type {
    /// 0: behind the last one
    pub oid: u32,
    /// oid of another type, or 0
    pub of: u32,
    /// CRECHE_ROW_TYPE_*
    pub kind: u8,
    /// between elements in the text of an array of it
    pub delimiter: c_char,
    pub reserved: u16,
    /// without its schema, NUL-terminated
    pub name_offset: u32,
}

/// A cell. size is CRECHE_CELL_NULL for SQL NULL. For bool, int2, int4, int8, oid, float4, float8,
/// date, timestamp and timestamptz `bits` is the value itself (integers sign-extended, dates as days
/// and timestamps as microseconds since 1970-01-01, infinities as INT64_MIN and INT64_MAX, reals as
/// the bits of a double). A timestamp that is later than 64 bits reach (the years 294247 to 294276) has
/// less than a second before INT64_MAX in `bits`, and in `later` how many seconds are to be added; it
/// is 0 in all other cells. For all others the offset of size bytes of PostgreSQL's binary form, which
/// for text, varchar, bpchar, name, json, enums and the like is the text; a NUL byte follows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_row_cell {
    pub bits: u64,
    /// bytes of the binary form
    pub size: u32,
    /// seconds
    pub later: u32,
}

pub const CRECHE_CELL_NULL: u32 = u32::MAX;

/// Takes a piece of the text: `size` bytes, not NUL-terminated, gone when it returns. 0 goes on; anything
/// else stops.
pub type creche_text_fn = Option<unsafe extern "C" fn(text: *const c_char, size: usize, user: *mut c_void) -> i32>;

/// a row a line, no array around them (NDJSON)
pub const CRECHE_JSON_LINES: u32 = 1;

/// a row is an array of values, not an object by the columns' names
pub const CRECHE_JSON_ARRAYS: u32 = 2;

/// int8 and numeric as strings, for readers whose numbers are doubles
pub const CRECHE_JSON_EXACT: u32 = 4;

/// NaN and the infinities of numbers as null
pub const CRECHE_JSON_FINITE: u32 = 8;

/// the columns' names in the first line
pub const CRECHE_CSV_HEADER: u32 = 1;

/// lines end in CR LF, as RFC 4180 has it, not in LF
pub const CRECHE_CSV_CRLF: u32 = 2;

/// quotes around all that is not NULL
pub const CRECHE_CSV_QUOTE: u32 = 4;

pub const ARROW_FLAG_DICTIONARY_ORDERED: u32 = 1;

pub const ARROW_FLAG_NULLABLE: u32 = 2;

pub const ARROW_FLAG_MAP_KEYS_SORTED: u32 = 4;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ArrowSchema {
    pub format: *const c_char,
    pub name: *const c_char,
    pub metadata: *const c_char,
    pub flags: i64,
    pub n_children: i64,
    pub children: *mut *mut ArrowSchema,
    pub dictionary: *mut ArrowSchema,
    pub release: Option<unsafe extern "C" fn(schema: *mut ArrowSchema)>,
    pub private_data: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ArrowArray {
    pub length: i64,
    pub null_count: i64,
    pub offset: i64,
    pub n_buffers: i64,
    pub n_children: i64,
    pub buffers: *mut *const c_void,
    pub children: *mut *mut ArrowArray,
    pub dictionary: *mut ArrowArray,
    pub release: Option<unsafe extern "C" fn(array: *mut ArrowArray)>,
    pub private_data: *mut c_void,
}

/// what Arrow has no value for fails with CRECHE_E_LIMIT; else it is null
pub const CRECHE_ARROW_STRICT: u32 = 1;

/// numeric always as text
pub const CRECHE_ARROW_NUMERIC_TEXT: u32 = 2;

/// One statement of a batch. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_batch_item {
    pub sql: *const c_char,
    /// for $1, $2, ...; may be NULL if there are none
    pub args: *const creche_value,
    pub args_count: usize,
}

/// rows has its result
pub const CRECHE_BATCH_DONE: u32 = 0;

/// error says why
pub const CRECHE_BATCH_FAILED: u32 = 1;

/// it had been done, and is rolled back with the one that failed (in a
/// transaction of yours: will be)
pub const CRECHE_BATCH_UNDONE: u32 = 2;

/// it was not executed
pub const CRECHE_BATCH_NOT_RUN: u32 = 3;

/// it was sent, and nobody knows whether it was done: the connection was lost
pub const CRECHE_BATCH_UNKNOWN: u32 = 4;

/// What became of a statement. A view into the completion's value. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_batch_result {
    /// CRECHE_BATCH_*
    pub state: u32,
    pub reserved: u32,
    /// rows that it changed or returned; -1: it does not say, or is not done
    pub affected: i64,
    /// as creche_pool_query has it; NULL unless it is done
    pub rows: *const creche_row_block,
    /// NULL unless it failed
    pub error: *const creche_error,
}

/// each stands for itself: one that fails does not touch the others
pub const CRECHE_BATCH_SEPARATE: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_batch_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_BATCH_*
    pub flags: u32,
    /// of all results together; more is CRECHE_E_LIMIT; default 256 MiB
    pub max_bytes: u64,
    /// may be NULL
    pub task: *const creche_task_options,
}

/// What a statement takes and returns. A view into the completion's value. Grows at its end only.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_description {
    pub parameters_count: u32,
    pub reserved: u32,
    /// their types, oids: as declared, or as the server has inferred them
    pub parameters: *const u32,
    /// a block without rows: names, types, modifiers, tables; NULL: it
    /// returns no rows
    pub columns: *const creche_row_block,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_copy_options {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// out: about how big a chunk gets; default 256 KiB
    pub chunk_bytes: u32,
    /// out: chunks that you may hold unreleased; default 4
    pub chunks: u32,
    /// may be NULL
    pub task: *const creche_task_options,
}

/// it outlives its transaction, and needs none: the server makes the whole result
/// when that commits, or at once outside of one. It lasts until it is closed or the
/// connection is given back (CRECHE_RESET_FULL)
pub const CRECHE_CURSOR_HOLD: u32 = 1;

/// it goes backwards, too; the server may have to keep all rows for that
pub const CRECHE_CURSOR_SCROLL: u32 = 2;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_cursor_options {
    /// set by _init
    pub size: u32,
    /// opening: CRECHE_CURSOR_*; else 0
    pub flags: u32,
    /// fetching: of the rows, as a row block; more is CRECHE_E_LIMIT; default 256 MiB
    pub max_bytes: u64,
    /// may be NULL
    pub task: *const creche_task_options,
}

/// All that is left, in this direction: rows of creche_cursor_fetch and _move.
pub const CRECHE_CURSOR_ALL: i64 = i64::MAX;

/// somebody has said NOTIFY
pub const CRECHE_LISTEN_NOTIFICATION: u32 = 0;

/// from now on nothing is missed: comes first
pub const CRECHE_LISTEN_STARTED: u32 = 1;

/// the connection was lost, and there is another one that listens: what was
/// said in between is lost. Look at what you would have been told of
pub const CRECHE_LISTEN_GAP: u32 = 2;

/// What was said. A view into the completion's value. Grows at its end only.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_notification {
    /// CRECHE_LISTEN_*
    pub what: u32,
    /// of the server's that said it; 0 for all but notifications
    pub process: u32,
    /// notifications that were thrown away before this one, because max_held were held
    pub dropped: u64,
    /// NUL-terminated; "" for all but notifications
    pub channel: *const c_char,
    /// NUL-terminated
    pub payload: *const c_char,
    /// bytes, without the NUL
    pub payload_size: usize,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_listen_options {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// notifications that you may hold unreleased; what comes then is thrown away, and
    /// counted; default 1024
    pub max_held: u32,
    /// 0
    pub reserved: u32,
    /// the server is asked for a sign of life so often, and the connection is given up
    /// if there was none until the next time; default 30 s; CRECHE_NEVER: never asked
    pub heartbeat: i64,
    /// may be NULL
    pub task: *const creche_task_options,
}

/// Whose password is asked for. Made by the library only, so it may grow at its end: read a field only if
/// `size` covers it. It and its texts live until the function returns; none is NULL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_password_request {
    pub size: u32,
    /// 1: the server has just refused the last one (28P01): get a new one
    pub refused: u32,
    /// as in the DSN; the address if that has no name; "": libpq's default
    pub host: *const c_char,
    /// "": the default
    pub port: *const c_char,
    /// "": the system's name of the process's user
    pub user: *const c_char,
    /// "": as the user
    pub database: *const c_char,
}

/// Gives the password for one connection: stores it in the `capacity` bytes (16384) at `password`, with a
/// NUL, and returns CRECHE_OK; or another status (CRECHE_E_USER, -1000 or below, or the one that it has met),
/// with which the attempt fails, in phase "auth"; without a NUL it is CRECHE_E_LIMIT. Called for each
/// connection, before its server is spoken to, and for further addresses of a name that has several; once
/// more if the server refuses the password. Called on threads of the library that are no loop's, on several
/// at a time: it may block, and holds up nobody but the connection, within connect_timeout; but it must
/// return some time, since the close of the pool is only complete when it has. It may call any function of
/// the library.
pub type creche_password_fn = Option<unsafe extern "C" fn(user: *mut c_void, request: *const creche_password_request, password: *mut c_char, capacity: usize) -> creche_status>;

/// Is told what a server says beside an answer: RAISE NOTICE, warnings, the end of a session. notice: status
/// CRECHE_OK, sqlstate, message and the server_ fields; lives until the function returns. In the order of
/// their coming on each connection, before the completion of the statement; not those of the connecting
/// itself. What there is no memory for is not told. Called on the loop. It may call any function of the
/// library but those tagged [not on a loop]. It must return normally and soon.
pub type creche_notice_fn = Option<unsafe extern "C" fn(user: *mut c_void, notice: *const creche_error)>;

/// init, setup and reset are bodies as that of creche_pool_transaction: each gets CRECHE_BEGIN on the loop,
/// with a task of its own in `task` and the connection in `value`, starts its statements in task.scope and
/// ends with creche_task_finish(task, ...). The handle is the pool's, and ends with the body. A body is told to
/// hurry (CRECHE_CANCEL) when its time is over, when what it is run for is cancelled, and when the pool or the
/// loop is closed. What it does to session and transaction is said below; creche_connection_expire in it has the
/// connection closed behind it, however it ends.
/// All are called until the pool's close is complete.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_pool_calls {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// in place of the DSN's password and of passfiles; NULL: those
    pub password: creche_password_fn,
    /// NULL: nobody is told
    pub notice: creche_notice_fn,
    /// of all of them
    pub user: *mut c_void,
    /// once on each new connection, behind the SQL `init` of the pool's options, before
    /// anybody gets it; NULL: nothing. Within connect_timeout. What it sets in the session
    /// lasts until the first CRECHE_RESET_FULL: what is to last longer belongs into that SQL.
    /// If it fails, or leaves a transaction open (CRECHE_E_STATE), the operation that has
    /// waited longest fails with that error and the connection is closed
    pub init: creche_done_fn,
    /// each time that somebody gets a connection of his own, by creche_pool_acquire or
    /// creche_pool_transaction (there before the transaction), behind the SQL `setup`; NULL:
    /// nothing. Within acquire_timeout, after the wait. If it fails, or leaves a transaction
    /// open (CRECHE_E_STATE), so does what waits for the connection, with that error, and the
    /// connection is given back, reset
    pub setup: creche_done_fn,
    /// each time that a connection is given back by whom it was given to alone, behind the
    /// rollback of what he has left open and before the reset of the pool's options; NULL:
    /// nothing. Within acquire_timeout. What it leaves open is rolled back. If it fails the
    /// connection is closed, which the log tells (CRECHE_LOG_DROPPED)
    pub reset: creche_done_fn,
}

/// never prepare by name: behind a transaction-pooling PgBouncer
pub const CRECHE_POOL_NO_PREPARE: u32 = 1;

/// one statement at a time on each connection
pub const CRECHE_POOL_NO_PIPELINE: u32 = 2;

/// the whole session
pub const CRECHE_RESET_FULL: u32 = 0;

/// only an open transaction is rolled back
pub const CRECHE_RESET_NONE: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_pool_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_POOL_*
    pub flags: u32,
    /// connections kept open; default 0
    pub min_size: u32,
    /// default 10
    pub max_size: u32,
    /// callers waiting for a connection; more are CRECHE_E_LIMIT; 0: no limit
    pub max_waiting: u32,
    /// prepared statements kept on each connection; default 256; 0: none
    pub statement_cache: u32,
    /// statements in flight on one shared connection; default 64
    pub pipeline_depth: u32,
    /// what is undone when a connection is given back: CRECHE_RESET_*
    pub reset: u32,
    /// for one attempt, all of it; default 30 s; 0: there is no time, each
    /// attempt fails at once with CRECHE_E_TIMEOUT; CRECHE_NEVER: no limit
    pub connect_timeout: i64,
    /// waiting for a connection; default 60 s; phase "pool"
    pub acquire_timeout: i64,
    /// an idle connection over min_size is closed; default 300 s
    pub idle_timeout: i64,
    /// of a connection, at the most: each is closed in the last tenth of it,
    /// once it has nothing to do; default 30 min; CRECHE_NEVER: no end
    pub max_lifetime: i64,
    /// cleaning up after a cancel before the connection is dropped; default 5 s
    pub cancel_timeout: i64,
    /// default NULL: the DSN's; copied
    pub application_name: *const c_char,
    /// where the completion of its close goes if `done` is NULL; {0}: nobody is told
    pub queue: creche_queue,
    /// a statement is prepared anew after this; default (and 0) 300 s;
    /// CRECHE_NEVER: kept until an error or a reset
    pub statement_lifetime: i64,
    /// a connection that was given out so often is closed when it has nothing to do;
    /// 0: no limit
    pub max_uses: u32,
    /// connections opened at the start, the first one alone, so that its error comes
    /// early; max_size at the most; later min_size counts; default 0
    pub initial_size: u32,
    /// what is run on each session before anybody gets it: statements separated by
    /// semicolons (SET, PREPARE, CREATE TEMPORARY TABLE ...), copied; default NULL. When
    /// the connection is new, and behind each CRECHE_RESET_FULL, so that what it sets
    /// always holds. Within connect_timeout. If it fails, the operation that has waited
    /// longest fails with that error (phase "pool"), the connection is closed, and the
    /// next one gets another; so it does if it leaves a transaction open (CRECHE_E_STATE)
    pub init: *const c_char,
    /// of each query, script, batch, execute_many, description and step of a cursor
    /// whose task options say no time, as if they said this one, the wait for a
    /// connection included; default CRECHE_NEVER
    pub command_timeout: i64,
    /// passwords by a function, notices: creche/pool_calls.h; NULL: none;
    /// copied
    pub calls: *const creche_pool_calls,
    /// what is run each time that somebody gets a connection of his own, by
    /// creche_pool_acquire or creche_pool_transaction (there before the transaction):
    /// statements separated by semicolons, copied; default NULL. One round trip more for
    /// each. What it sets is undone when the connection is given back (CRECHE_RESET_FULL).
    /// Within acquire_timeout, after the wait. If it fails, what waits for the connection
    /// fails with that error (phase "pool"), and the connection is given back, reset; so it
    /// does if it leaves a transaction open (CRECHE_E_STATE). Statements on the pool, batches,
    /// COPY and streams do without: for those there is `init`
    pub setup: *const c_char,
}

/// What a pool has now and did so far. Sized.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_pool_counters {
    pub size: u32,
    pub flags: u32,
    /// open now
    pub connections: u64,
    pub idle: u64,
    pub leased: u64,
    /// operations waiting for a connection
    pub waiting: u64,
    /// opened so far
    pub connects: u64,
    /// sent so far
    pub statements: u64,
    /// of those, behind another one in flight
    pub pipelined: u64,
    /// statements prepared
    pub prepares: u64,
    /// cancel requests sent to the server
    pub cancels: u64,
    /// statements hit by somebody else's cancel, and run again unseen
    pub resent: u64,
    /// connections given up after a failure
    pub dropped: u64,
    /// connections given to an operation, alone or shared
    pub acquires: u64,
    /// of those, to one that had to wait for it
    pub empty_acquires: u64,
    /// operations that were cancelled while they waited
    pub cancelled_acquires: u64,
    /// nanoseconds that those of empty_acquires have waited, together
    pub waited: u64,
    /// as they are now
    pub min_size: u64,
    pub max_size: u64,
    /// connections that are being opened now, `init` included
    pub connecting: u64,
    /// attempts that have failed, `init` included
    pub connect_failures: u64,
    /// operations that were over max_waiting
    pub refused_acquires: u64,
    /// operations that had no connection in acquire_timeout
    pub timed_out_acquires: u64,
    /// connections closed for their age, uses or idleness, by a resize or expire
    pub retired: u64,
}

/// How long it took, so far: waiting is apart from the server's work. Sized.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_pool_timings {
    pub size: u32,
    pub flags: u32,
    /// operations that had to wait for a connection, and got one
    pub acquire: creche_histogram,
    /// connections: from the beginning to the first use, `init` included
    pub connect: creche_histogram,
    /// commands: from the moment that the server could begin with it (it was sent, and
    /// the one before it on its connection had ended) to its end
    pub query: creche_histogram,
}

/// do not keep it as a prepared statement
pub const CRECHE_QUERY_NO_PREPARE: u32 = 1;

/// never share a connection with other callers while it runs
pub const CRECHE_QUERY_ALONE: u32 = 2;

/// execute_many only: the rows that it returns (RETURNING) are wanted
pub const CRECHE_QUERY_COLLECT: u32 = 4;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_query_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_QUERY_*
    pub flags: u32,
    /// of a whole result, as a row block (total_size); default 256 MiB; more is
    /// CRECHE_E_LIMIT: the statement is cancelled, but may have been done by then
    /// (INSERT ... RETURNING outside of a transaction). Streams have no such limit:
    /// theirs are the three below
    pub max_bytes: u64,
    /// streams: rows in a block at the most; default 4096
    pub block_rows: u32,
    /// streams: about how big a block may get; default 256 KiB
    pub block_bytes: u32,
    /// streams: blocks that you may hold unreleased; default 4
    pub blocks: u32,
    /// the server stops behind so many rows; default 0: all. The block has no tag then,
    /// and counts its rows as affected. What a statement does it does all the same
    pub max_rows: u32,
    /// may be NULL
    pub task: *const creche_task_options,
    /// of the args, args_count of them: the statement has :name where it would have
    /// $1, ..., each as often as it likes. Not in strings, quoted names, comments,
    /// "::" and ":="; an array's slice needs a space behind its colon. A name that
    /// is not among them, one that is not used, $1 beside names: CRECHE_E_INVALID.
    /// Default NULL: $1, ...; not for scripts. Used up by the call
    pub names: *const *const c_char,
}

/// the session's
pub const CRECHE_ISOLATION_DEFAULT: u32 = 0;

pub const CRECHE_READ_COMMITTED: u32 = 1;

pub const CRECHE_REPEATABLE_READ: u32 = 2;

pub const CRECHE_SERIALIZABLE: u32 = 3;

/// PostgreSQL does as for READ COMMITTED
pub const CRECHE_READ_UNCOMMITTED: u32 = 4;

pub const CRECHE_TRANSACTION_READ_ONLY: u32 = 1;

/// serializable and read-only: it waits until it can never fail
pub const CRECHE_TRANSACTION_DEFERRABLE: u32 = 2;

pub const CRECHE_TRANSACTION_READ_WRITE: u32 = 4;

pub const CRECHE_TRANSACTION_NOT_DEFERRABLE: u32 = 8;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_transaction_options {
    /// set by _init
    pub size: u32,
    /// CRECHE_TRANSACTION_*
    pub flags: u32,
    /// CRECHE_ISOLATION_DEFAULT, ...
    pub isolation: u32,
    /// creche_pool_transaction: run the body again on 40001 and 40P01; default 0
    pub retries: u32,
    /// how long the shielded COMMIT (or ROLLBACK) may take from its call, what
    /// runs before it on the connection included; default 30 s. Then the
    /// connection is dropped
    pub commit_timeout: i64,
    /// may be NULL
    pub task: *const creche_task_options,
    /// of retries: how long it waits before the first, at the most; twice as long before
    /// each further one, up to 1 s (or to this, if that is more), and each time a
    /// random share of that, from half to all of it, so that those who were in one
    /// another's way are not again. The connection is kept. Default 5 ms; 0: none
    pub retry_delay: i64,
}

/// the text format 0.0.4: to be served as
/// "text/plain; version=0.0.4; charset=utf-8"
pub const CRECHE_METRICS_PROMETHEUS: u32 = 0;

/// The threads of a loop are: its own (none with CRECHE_RUN_CALLER), called as the loop's options say; a
/// watchdog, if they have stall_after; workers for creche_offload, as many as they allow (offload_limit); and
/// workers for what would block the loop otherwise, of five kinds (names, cancel requests, keys, files,
/// passwords), each with threads of its own. Workers are started when there is work for them, and go when
/// there was none for 10 s. All signals are blocked in all of them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct creche_threads_options {
    /// set by _init
    pub size: u32,
    /// 0
    pub flags: u32,
    /// bytes of each thread's stack; 0 (the default): the system's default. Your
    /// callbacks and offloaded functions run there: 256 KiB is enough for the library
    pub stack_size: u64,
    /// "creche" by default, as in "creche", "creche-worker", "creche-watchdog"; the
    /// system cuts names at 15 bytes; copied
    pub prefix: *const c_char,
    /// of each kind but for offloading, for each loop, at the most, whatever hangs;
    /// 0 (the default): as many as are good for it: 64 for names, 512 where names
    /// hang, fewer for the others
    pub workers: u32,
    /// 0
    pub reserved: u32,
}

unsafe extern "C" {
    /// The plain copy of the last synchronous failure of this thread. Never NULL; after a success it
    /// still shows the failure before. Valid until the next failing call of this thread; the message may
    /// be truncated. After a call of creche/blocking.h that started something and failed it is all of that
    /// failure, cause and children too. Release functions never touch it. Since 0.1.
    pub fn creche_last_error() -> *const creche_error;

    /// "CRECHE_E_TIMEOUT" for CRECHE_E_TIMEOUT and so on, "a status of the user's" from -1000 down, "?" for
    /// an unknown number. Static. Since 0.1.
    pub fn creche_status_name(status: creche_status) -> *const c_char;

    /// error->message, or "no error" for NULL. Lives as long as the error. Since 0.1.
    pub fn creche_error_message(error: *const creche_error) -> *const c_char;

    /// 1 if the same call may well succeed later and doing it again is safe: nothing of it has been done,
    /// or the server has said that it rolled it back. 0 otherwise (also when nobody knows, as after the loss
    /// of a connection in the middle of a statement, or without memory for its answer) or for NULL.
    /// Since 0.1.
    pub fn creche_error_is_retryable(error: *const creche_error) -> i32;

    /// Makes an error yours: returns it (another one, with all it has, if it is creche_last_error()) for
    /// creche_error_release. NULL gives NULL; no memory gives NULL. Since 0.1.
    pub fn creche_error_keep(error: *const creche_error) -> *const creche_error;

    /// Gives back what creche_error_keep or creche_error_new returned. NULL is harmless. Since 0.1.
    pub fn creche_error_release(error: *const creche_error);

    /// Makes an error for creche_task_finish, for bindings: `cookie` carries the foreign exception and
    /// cookie_free(cookie), if not NULL, is called once when the last reference goes, on any thread; it
    /// may call any function that is not tagged [not on a loop].
    /// status: CRECHE_E_USER or -1000 and below. message: copied. cause: another error or NULL, kept.
    /// Stores the error in *error (release it after use; finishing with it keeps it by itself).
    /// Returns CRECHE_OK, CRECHE_E_INVALID or CRECHE_E_NO_MEMORY; on failure cookie stays yours and
    /// *error is NULL. Since 0.1.
    pub fn creche_error_new(status: creche_status, message: *const c_char, cookie: *mut c_void, cookie_free: Option<unsafe extern "C" fn(cookie: *mut c_void)>, cause: *const creche_error, error: *mut *const creche_error) -> creche_status;

    /// The failures at the leaves of a tree of group errors, in order of completion: stores up to
    /// `capacity` of them in `leaves` (which may be NULL for capacity 0) and returns how many there are.
    /// An error that is no group's is its own only leaf; NULL has none. They live as long as `error`.
    /// Since 0.1.
    pub fn creche_error_flatten(error: *const creche_error, leaves: *mut *const creche_error, capacity: usize) -> usize;

    /// Routes: pass one of these as `done`. (Their addresses are compared; they do nothing when called.)
    /// creche_to_group: keep the completion for the group's own result, where completions stand in the
    /// order of starting (gather). creche_nobody: throw it away and release what it owns; a failure
    /// still counts for the group. NULL: the queue of the nearest scope above that has one, else like
    /// creche_nobody. Since 0.1.
    pub fn creche_to_group(user: *mut c_void, completion: *const creche_completion);

    pub fn creche_nobody(user: *mut c_void, completion: *const creche_completion);

    /// Releases `n` drained completions: the handles they own (clear CRECHE_OWNED to keep one), their
    /// data and errors. Clears what it released, so a second time is harmless. Never fails, never
    /// blocks. Since 0.1.
    pub fn creche_completions_release(completions: *mut creche_completion, n: usize);

    /// Releases whatever handle `value` is, if it is an owned one; for completions of unknown kind.
    /// Since 0.1.
    pub fn creche_value_release(value: u64);

    /// The version of the library that is running: CRECHE_VERSION_NUMBER of its build. Since 0.1.
    pub fn creche_version() -> u32;

    /// The same as text, "0.1.0". Static. Since 0.1.
    pub fn creche_version_string() -> *const c_char;

    /// Sets all hooks to NULL in the first `size` bytes (pass sizeof). Returns CRECHE_OK or
    /// CRECHE_E_INVALID. Since 0.1.
    pub fn creche_hooks_init(hooks: *mut creche_hooks, size: usize) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_log_init(log: *mut creche_log, size: usize) -> creche_status;

    /// Writes a record as a line of text, as CRECHE_DEBUG=stderr does: "creche: warn: page.c:12: group "pages" was
    /// left open kind=group", with blanks and control characters in fields and names escaped, to `buffer` with a
    /// NUL, cut at `capacity`. Returns the bytes that all of it needs without the NUL; 0 for NULL. Since 0.1.
    pub fn creche_log_format(record: *const creche_log_record, buffer: *mut c_char, capacity: usize) -> usize;

    /// Sets the defaults in the first `size` bytes of *options (pass sizeof). Returns CRECHE_OK, or
    /// CRECHE_E_INVALID for NULL or a size that is too short. Since 0.1.
    pub fn creche_loop_options_init(options: *mut creche_loop_options, size: usize) -> creche_status;

    /// Opens a loop and, by default, starts its thread. options: NULL for the defaults; copied.
    /// Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED (options), CRECHE_E_NO_MEMORY,
    /// CRECHE_E_SYSTEM (no descriptor or thread). Since 0.1.
    pub fn creche_loop_open(options: *const creche_loop_options, loop_: *mut creche_loop) -> creche_status;

    /// [not on a loop] Runs a CRECHE_RUN_CALLER loop on this thread until it is closed and everything in
    /// it has ended. Blocks; a signal does not end it, but its handler may call creche_scope_interrupt.
    /// Returns CRECHE_OK when the loop has ended; CRECHE_E_STATE if it has a thread of its own or is being
    /// run; CRECHE_E_WOULD_DEADLOCK, CRECHE_E_BAD_HANDLE, CRECHE_E_ENDED, CRECHE_E_FORKED. Since 0.1.
    #[must_use]
    pub fn creche_loop_run(loop_: creche_loop) -> creche_status;

    /// [not on a loop] Runs one turn of a CRECHE_RUN_CALLER loop: waits up to `timeout` nanoseconds (0:
    /// not at all, CRECHE_NEVER: as long as it takes) for something to do, does it, and returns. In a turn
    /// what sockets bring is committed first, then deadlines expire, then sleeps end and permits are given
    /// out, then callbacks run. What these make ready goes on in the same turn, for 16 rounds or 50 us at
    /// most (on a virtual clock: 16 rounds), unless something is due or a yield stands before it.
    /// Returns CRECHE_OK after work, CRECHE_E_TIMEOUT when there was none, CRECHE_E_INTERRUPTED when a
    /// signal ended the wait instead (call again; where its handler has called creche_scope_interrupt on
    /// a scope of this loop, that is work), CRECHE_E_ENDED once the loop has ended, CRECHE_E_INVALID
    /// (negative); else as creche_loop_run. Since 0.1.
    pub fn creche_loop_poll(loop_: creche_loop, timeout: i64) -> creche_status;

    /// A CRECHE_RUN_CALLER loop inside another one (epoll, libuv, asyncio, tokio, GLib), on its thread: watch
    /// the descriptor of creche_loop_fd for reading, level-triggered; when it is readable, or the time of
    /// creche_loop_next_timeout is over, call creche_loop_poll(loop, 0) once or more; then ask
    /// creche_loop_next_timeout anew, the last thing before the other loop waits again: 0 means that there is
    /// more to do now (let others go first, and poll again).
    /// Stores in *fd a descriptor that becomes readable when the loop has something to do. It is the library's:
    /// watch it, but do not read, write or close it; stop watching it before creche_loop_join takes the loop
    /// away. Returns CRECHE_OK; CRECHE_E_STATE if the loop has a thread of its own; CRECHE_E_UNSUPPORTED if
    /// there is none; CRECHE_E_INVALID, the handle errors (CRECHE_E_ENDED too once the loop has ended). Since
    /// 0.1.
    pub fn creche_loop_fd(loop_: creche_loop, fd: *mut i32) -> creche_status;

    /// [not on a loop] Stores in *timeout after how many nanoseconds a CRECHE_RUN_CALLER loop must be polled
    /// though its descriptor is not readable: 0: now; CRECHE_NEVER: not before it is. From this call to the
    /// next poll, whatever anybody starts, posts or cancels makes the descriptor readable, also on this
    /// thread; a time that was told before does not hold any more then. Round it up: polls that come too early
    /// find nothing to do. Returns CRECHE_OK; CRECHE_E_INVALID; else as creche_loop_poll. Since 0.1.
    pub fn creche_loop_next_timeout(loop_: creche_loop, timeout: *mut i64) -> creche_status;

    /// Calls fn(user, completion with kind CRECHE_POST) on the loop, later, in the order of posting. An
    /// accepted post is run before the loop ends, whatever else fails. Not a task: it cannot be cancelled.
    /// Returns CRECHE_OK; CRECHE_E_INVALID (fn is NULL or a route), CRECHE_E_CLOSED once the loop is
    /// shutting down to its last, CRECHE_E_NO_MEMORY, and the handle errors. Since 0.1.
    #[must_use]
    pub fn creche_loop_post(loop_: creche_loop, fn_: creche_done_fn, user: *mut c_void) -> creche_status;

    /// Ends the loop: cancels everything in it (reason: shutdown), closes the groups and leaves the scopes
    /// that are open outside of tasks (tasks close their own), refuses new root work and new groups and
    /// scopes outside of tasks (CRECHE_E_CLOSED), and when all of it has ended closes what it owns, delivers the loop's own completion and stops the thread.
    /// Idempotent; asynchronous: creche_loop_join waits. Returns CRECHE_OK and the handle errors.
    /// Since 0.1.
    pub fn creche_loop_close(loop_: creche_loop) -> creche_status;

    /// The gentle end: refuses new root work, lets what runs go on for `grace` nanoseconds, then does
    /// what creche_loop_close does. CRECHE_NEVER: no cancelling at all. Returns CRECHE_OK,
    /// CRECHE_E_INVALID (negative), and the handle errors. Since 0.1.
    pub fn creche_loop_shutdown(loop_: creche_loop, grace: i64) -> creche_status;

    /// [not on a loop] Waits until the loop has ended and takes its thread, sessions, pools and queues
    /// with it; responses, rows and drained completions that you hold stay valid until you release them.
    /// It does not close: call creche_loop_close before. Runs a CRECHE_RUN_CALLER loop meanwhile.
    /// timeout: nanoseconds from the call; 0 only looks. Returns CRECHE_OK; CRECHE_E_TIMEOUT (the message
    /// names what is still alive; join again later); CRECHE_E_INTERRUPTED on a signal (join again);
    /// CRECHE_E_WOULD_DEADLOCK on a loop; CRECHE_E_STATE while another thread joins or runs it;
    /// CRECHE_E_INVALID (a negative timeout); CRECHE_E_SYSTEM (no descriptor to wait on, or a sandbox that
    /// allows neither ppoll nor poll); the handle errors (CRECHE_E_ENDED if it was joined). Since 0.1.
    #[must_use]
    pub fn creche_loop_join(loop_: creche_loop, timeout: i64) -> creche_status;

    /// After fork(), in the child: forgets a loop of the parent: closes its descriptors, sends nothing,
    /// calls nothing. Its memory is not given back. All other calls on it go on returning
    /// CRECHE_E_FORKED. In the process that made the loop it returns CRECHE_E_STATE. The child may open
    /// loops of its own and wait for them, also if it was made in a callback or a hook: it is inside none
    /// of them, and must not return from it but end (_exit, exec). fork() waits for calls of the library's
    /// threads that take locks of other libraries (look-ups of names, reading certificates), for each
    /// until it has taken a second. Since 0.1.
    pub fn creche_loop_abandon(loop_: creche_loop) -> creche_status;

    /// Reads the clock of the loop that a scope belongs to, in nanoseconds. Inside callbacks it is the
    /// real time too, not that of the turn. Returns CRECHE_OK, CRECHE_E_INVALID and the handle errors.
    /// Since 0.1.
    pub fn creche_now(scope: creche_scope, now: *mut i64) -> creche_status;

    /// Holds the clock: it does not jump until creche_clock_release. For threads other than the loop's,
    /// from before they look at the clock or start something until they wait for the loop; bindings hold
    /// one for each coroutine that can run. An offloaded function has one hold of its own, which it must
    /// release before it waits for the loop (and take again after). Counts. Returns CRECHE_OK;
    /// CRECHE_E_STATE (the clock is the real one), the handle errors. Since 0.1.
    pub fn creche_clock_hold(loop_: creche_loop) -> creche_status;

    /// Gives back one hold. Returns CRECHE_OK; CRECHE_E_STATE (nobody holds it, or the clock is the real
    /// one), the handle errors. Since 0.1.
    pub fn creche_clock_release(loop_: creche_loop) -> creche_status;

    /// Moves the clock forward by `duration` nanoseconds at once, held or not: what has expired by then
    /// expires in one turn. Its last point is the nanosecond before CRECHE_NEVER. Returns CRECHE_OK;
    /// CRECHE_E_INVALID (negative), CRECHE_E_STATE (the clock is the real one), the handle errors.
    /// Since 0.1.
    pub fn creche_clock_advance(loop_: creche_loop, duration: i64) -> creche_status;

    /// Writes the live tree (kind, name, id, where it was started, age, state, what it waits for, time left,
    /// shield, why it is cancelled, what it holds) to `buffer` as NUL-terminated text, truncated to
    /// `capacity` bytes; *size (may be NULL) gets the bytes that all of it needs with its NUL. buffer may
    /// be NULL for capacity 0. format: CRECHE_DUMP_*. Never waits for the loop: works while a callback
    /// blocks it. Returns CRECHE_OK, CRECHE_E_LIMIT (truncated), CRECHE_E_UNSUPPORTED (format),
    /// CRECHE_E_INVALID, CRECHE_E_NO_MEMORY and the handle errors. Since 0.1.
    pub fn creche_loop_dump(loop_: creche_loop, format: u32, buffer: *mut c_char, capacity: usize, size: *mut usize) -> creche_status;

    /// Fills the first `size` bytes of *counters. Returns CRECHE_OK, CRECHE_E_INVALID and the handle
    /// errors. Since 0.1.
    pub fn creche_loop_get_counters(loop_: creche_loop, counters: *mut creche_loop_counters, size: usize) -> creche_status;

    /// Fills the first `size` bytes of *lag; the loop may be stuck. Returns CRECHE_OK, CRECHE_E_INVALID and
    /// the handle errors. Since 0.1.
    pub fn creche_loop_get_lag(loop_: creche_loop, lag: *mut creche_loop_lag, size: usize) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof): no deadline, no shield, CRECHE_FAIL.
    /// Returns CRECHE_OK or CRECHE_E_INVALID. Since 0.1.
    pub fn creche_scope_options_init(options: *mut creche_scope_options, size: usize) -> creche_status;

    /// Opens a bare scope in `in` to bound a section of work. It is left with creche_scope_leave. Steps
    /// and children that are started in it belong to the task or group around it; errors pass it.
    /// Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED (options: a negative timeout, both
    /// timeout and deadline), CRECHE_E_CLOSED (the group around it is closed and empty, the task has
    /// finished, the scope is being left; or nobody is left who would leave the new one: a group that its
    /// task left open, and all that is outside of tasks once the loop has cancelled everything; a task that
    /// lives may open scopes in its own to the last), CRECHE_E_STATE (`in` is a library operation),
    /// CRECHE_E_NO_MEMORY, and the handle errors. Since 0.1.
    pub fn creche_scope_open(in_: creche_scope, options: *const creche_scope_options, scope: *mut creche_scope) -> creche_status;

    /// Leaves a bare scope: decides at once how it ended and stores that in *outcome. It catches if it
    /// was cancelled, no cancellation further out is visible, and a CRECHE_E_CANCELLED reached it. While
    /// there is live work or an open scope in it, CRECHE_E_BUSY and nothing changes; with outcome NULL it
    /// is left by itself as soon as it is empty, and CRECHE_OK is returned. The operation whose callback
    /// is running does not count as live. Returns CRECHE_OK, CRECHE_E_BUSY, CRECHE_E_STATE (it is a
    /// group, task or loop: those end by themselves; or leaving was asked before), the handle errors.
    /// Since 0.1.
    pub fn creche_scope_leave(scope: creche_scope, outcome: *mut creche_outcome) -> creche_status;

    /// Cancels a scope and all below it that no shield protects. Takes effect before it returns: what is
    /// started in it from now on is born cancelled. Idempotent: the first reason sticks. reason: text for
    /// creche_error.reason_text; copied, cut at 127 bytes; may be NULL. Returns CRECHE_OK and the handle
    /// errors (CRECHE_E_ENDED: too late, harmless). Since 0.1.
    pub fn creche_scope_cancel(scope: creche_scope, reason: *const c_char) -> creche_status;

    /// Cancels a scope from a signal handler: async-signal-safe, takes no lock; takes effect a moment
    /// later (reason: interrupt). Returns CRECHE_OK, CRECHE_E_BAD_HANDLE, CRECHE_E_ENDED, CRECHE_E_FORKED,
    /// CRECHE_E_LIMIT (too many different scopes at once). Does not touch the last error. Since 0.1.
    pub fn creche_scope_interrupt(scope: creche_scope) -> creche_status;

    /// Moves the deadline (a point of the loop's clock, CRECHE_NEVER for none; the past expires it). Never
    /// un-cancels. Returns CRECHE_OK, CRECHE_E_CANCELLED if the scope was cancelled already (nothing
    /// changes), CRECHE_E_NO_MEMORY, and the handle errors. Since 0.1.
    pub fn creche_scope_set_deadline(scope: creche_scope, deadline: i64) -> creche_status;

    /// The same, counted from now; negative is CRECHE_E_INVALID. Since 0.1.
    pub fn creche_scope_set_timeout(scope: creche_scope, timeout: i64) -> creche_status;

    /// Raises (1) or drops (0) the shield. Dropping it under a cancelled scope cancels what is inside at
    /// once; raising it does not recall what was cancelled, nor what a cancellation has let past the limit
    /// of its group: operations end all the same, tasks begin and hear CRECHE_CANCEL. Returns CRECHE_OK, CRECHE_E_INVALID (neither
    /// 0 nor 1; a loop has no shield), the handle errors. Since 0.1.
    pub fn creche_scope_set_shield(scope: creche_scope, shield: u32) -> creche_status;

    /// Fills the first `size` bytes of *state. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
    /// Since 0.1.
    pub fn creche_scope_get_state(scope: creche_scope, state: *mut creche_scope_state, size: usize) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_group_options_init(options: *mut creche_group_options, size: usize) -> creche_status;

    /// Opens a group in `in`. Its own completion comes when it is closed and its last child has ended:
    /// status CRECHE_E_GROUP with the tree of failures if there are any, else CRECHE_E_CANCELLED if a
    /// cancellation passes through, else CRECHE_E_TIMEOUT (its own deadline), else CRECHE_OK; flags
    /// CRECHE_CAUGHT and CRECHE_PASSING; data: an array of creche_completion, one for each child that was
    /// started with creche_to_group, in the order of starting, data_size its bytes, value their count.
    /// done NULL: to its own queue, else the nearest from outside. group: may be NULL.
    /// Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED (options), CRECHE_E_CLOSED (the group
    /// around it is closed and empty, the task has finished, the scope is being left, the queue is closing;
    /// or nobody is left who would close the new one, as with creche_scope_open), CRECHE_E_STATE (`in` is a library operation), CRECHE_E_WRONG_LOOP (the queue),
    /// CRECHE_E_NO_MEMORY and the handle errors. Since 0.1.
    pub fn creche_group_open(in_: creche_scope, options: *const creche_group_options, done: creche_done_fn, user: *mut c_void, group: *mut creche_group) -> creche_status;

    /// "End when empty." Until its last child has ended anyone may still add to it; then that is
    /// CRECHE_E_CLOSED, and CRECHE_E_ENDED as for any handle from when its completion is taken: its
    /// function is called, it is in its queue, it is joined. Closing again is CRECHE_OK. Returns CRECHE_OK and the handle errors. Since 0.1.
    pub fn creche_group_close(group: creche_group) -> creche_status;

    /// [not on a loop] Waits for the end of a CRECHE_GROUP_JOINABLE group and stores its outcome; closes
    /// it first if it is open. Once: then its handle has ended. timeout: nanoseconds from the call; 0 only
    /// looks. outcome may be NULL. The thread that runs a CRECHE_RUN_CALLER loop (that ran it last, or
    /// opened it) turns the loop meanwhile; others wait for that one. Returns CRECHE_OK when the group has ended (however it did), and
    /// *outcome says how; CRECHE_E_TIMEOUT, CRECHE_E_INTERRUPTED (call again); CRECHE_E_STATE (not
    /// joinable, or being joined), CRECHE_E_INVALID (a negative timeout), CRECHE_E_SYSTEM (no descriptor
    /// to wait on), CRECHE_E_WOULD_DEADLOCK, the handle errors. Since 0.1.
    #[must_use]
    pub fn creche_group_join(group: creche_group, timeout: i64, outcome: *mut creche_outcome) -> creche_status;

    /// [not on a loop] The same, and says why: *error (may be NULL: then this is creche_group_join) is the
    /// error that the group's completion has, the tree of failures of CRECHE_E_GROUP, yours for
    /// creche_error_release; NULL if the group ended with CRECHE_OK or the call fails. Returns as
    /// creche_group_join does. Since 0.1.
    #[must_use]
    pub fn creche_group_join_error(group: creche_group, timeout: i64, outcome: *mut creche_outcome, error: *mut *const creche_error) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_task_options_init(options: *mut creche_task_options, size: usize) -> creche_status;

    /// Starts a user task in `in`. body(body_user, ...) gets CRECHE_BEGIN when it may run, exactly once,
    /// even in a cancelled scope; CRECHE_CANCEL each time that it becomes cancelled (right after
    /// CRECHE_BEGIN if it was before), unless it has finished; and may get CRECHE_STALLED. It starts
    /// steps in task.scope and ends with creche_task_finish, there or later, from any thread. done gets
    /// the final completion. task: may be NULL. One that waits for its group's limit when it is cancelled
    /// begins at once, to clean up; it hears of that also if a shield goes up meanwhile.
    /// Returns CRECHE_OK; CRECHE_E_INVALID (body NULL or a route; options; creche_to_group outside of
    /// groups), CRECHE_E_UNSUPPORTED, CRECHE_E_CLOSED (the group is closed and empty, the task has
    /// finished, the scope is being left, the loop or the queue is closing), CRECHE_E_STATE (`in` is a
    /// library operation: start in what it belongs to), CRECHE_E_WRONG_LOOP, CRECHE_E_NO_MEMORY, the
    /// handle errors (CRECHE_E_ENDED: also of a group whose completion was taken; until then it is
    /// CRECHE_E_CLOSED). Since 0.1.
    #[must_use]
    pub fn creche_task_spawn(in_: creche_scope, body: creche_done_fn, body_user: *mut c_void, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Opens an external task: like a user task, but CRECHE_BEGIN, CRECHE_CANCEL and CRECHE_STALLED come
    /// where its completion goes (done or the queue), with CRECHE_MORE. creche_to_group and
    /// creche_nobody are CRECHE_E_INVALID, as are NULL where there is no queue and CRECHE_TASK_BODY
    /// outside of a group. A second body is CRECHE_E_STATE. The rest as above. Since 0.1.
    #[must_use]
    pub fn creche_task_open(in_: creche_scope, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Ends a user or external task. With CRECHE_OK it waits for its steps; if one of them is cut then by
    /// a cancellation, the completion says so (CRECHE_E_CANCELLED, or CRECHE_E_TIMEOUT for the task's own
    /// deadline). Otherwise it cancels them and waits. Then its completion comes, with `value` (a plain
    /// number or, with CRECHE_OWNED semantics of your own, anything) and error. Scopes and groups of its
    /// own still open are cancelled and make it CRECHE_E_MISNESTED, and nobody can open others in them any
    /// more; leases of its own are given back.
    /// status: CRECHE_OK; CRECHE_E_CANCELLED (only if it was cancelled: else it becomes
    /// CRECHE_E_NOT_CANCELLED); any other CRECHE_E_*, CRECHE_E_USER, or -1000 and below for your own;
    /// positive ones are CRECHE_E_INVALID. Of several things that are wrong the completion says the first
    /// of these: the failure that you give; CRECHE_E_NOT_CANCELLED; CRECHE_E_MISNESTED; the failure of a
    /// step that nobody was told of (behind the two before, their error's cause); a cancellation. error: from creche_error_new or a completion, kept; NULL makes
    /// one from status.
    /// Returns CRECHE_OK; CRECHE_E_STATE (finished before, not begun yet, or not a user's or external
    /// task), CRECHE_E_INVALID, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_task_finish(task: creche_task, status: creche_status, value: u64, error: *const creche_error) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_start_options_init(options: *mut creche_start_options, size: usize) -> creche_status;

    /// Starts a user task that will live in the group `target`, and waits until it says that it is ready:
    /// a server that listens, a connection that is made. Until then the task belongs to the start, which
    /// is a task in `in` like any other: cancelling either side cancels it, its failure is the failure
    /// of the start, bare, and `target` stays open. When it calls creche_task_started it moves to
    /// `target` with all that is below it, and the start completes with the value it gave. It does not
    /// wait for a place of target's limit, but takes one: nobody else begins there until fewer than the
    /// limit are there. A start in `target` itself (or in a bare scope there) wins no race of it: its
    /// child may. If it ends without: CRECHE_E_NOT_STARTED (unless it failed). Its own completion comes in
    /// any case, before that of the start if it never moved. body NULL: an external task, told to begin
    /// and to hurry where its own completion goes, as with creche_task_open.
    /// Returns as creche_task_spawn does; CRECHE_E_CLOSED also if target has ended, CRECHE_E_WRONG_LOOP if
    /// it lives on another loop. Since 0.1.
    #[must_use]
    pub fn creche_task_start(target: creche_group, in_: creche_scope, body: creche_done_fn, body_user: *mut c_void, options: *const creche_start_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Says that a task of creche_task_start is ready, with a plain value for whoever waits for that.
    /// Once. Returns CRECHE_OK: it has moved to its group (whose cancellation now counts for it, at once);
    /// CRECHE_E_CANCELLED: the starter is being cancelled, so it stays with the start, which ends as it
    /// does; CRECHE_E_STATE (said before, not begun, finished, or not a task of creche_task_start), the
    /// handle errors. Since 0.1.
    pub fn creche_task_started(task: creche_task, value: u64) -> creche_status;

    /// Stores the context's data of a scope: that of the nearest task at or above it, else the loop's, else
    /// NULL. It lives as long as that task. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
    /// Since 0.1.
    pub fn creche_scope_get_context(scope: creche_scope, data: *mut *mut c_void) -> creche_status;

    /// Answers CRECHE_PULL and CRECHE_ASK of a task with bytes (copied). For CRECHE_PULL: flags
    /// CRECHE_MORE says that there is more to pull; without it the body ends with these bytes. status other
    /// than CRECHE_OK fails the operation (CRECHE_E_BODY, with `error` as its cause).
    /// Returns CRECHE_OK; CRECHE_E_STATE (nothing was asked), CRECHE_E_INVALID, CRECHE_E_NO_MEMORY, the
    /// handle errors. Since 0.1.
    #[must_use]
    pub fn creche_task_answer(task: creche_task, status: creche_status, data: *const c_void, size: usize, flags: u32, error: *const creche_error) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_offload_options_init(options: *mut creche_offload_options, size: usize) -> creche_status;

    /// Runs fn(arg, ...) on a worker thread, when one of the loop's offload_limit workers is free, or when
    /// the limiter of the options has a token (CRECHE_E_CLOSED if that is released before). Cancelled
    /// before it started, it never runs; cancelled later, it completes with its own result, or at once
    /// with CRECHE_OFFLOAD_ABANDON. Without a thread to run it, it completes with CRECHE_E_SYSTEM
    /// (error->system_errno says why). If the call fails arg stays yours.
    /// Returns as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_offload(in_: creche_scope, fn_: creche_offload_fn, arg: *mut c_void, options: *const creche_offload_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// 1 if the task has been asked to stop, 0 if not, or the handle errors (CRECHE_E_ENDED: abandoned), so
    /// that anything but 0 means "stop". For polling. Since 0.1.
    pub fn creche_offload_cancelled(task: creche_task) -> i32;

    /// Completes after `duration` nanoseconds from the call, never early. Negative is CRECHE_E_INVALID;
    /// 0 completes in a later turn. Returns as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_sleep(in_: creche_scope, duration: i64, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Completes in the next turn of the loop, after everything that could run when it was called and what
    /// sockets have brought by then: a pause that lets others go on and notices a cancellation (a
    /// checkpoint). Until then it is under way as a sleep is: a deadline or cancellation that comes
    /// before, be it from a post or callback that was to run first, cuts it. Returns as creche_task_spawn
    /// does. Since 0.1.
    #[must_use]
    pub fn creche_yield(in_: creche_scope, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Completes at a point of the loop's clock; CRECHE_NEVER sleeps until it is cancelled.
    /// Returns as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_sleep_until(in_: creche_scope, point: i64, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_queue_options_init(options: *mut creche_queue_options, size: usize) -> creche_status;

    /// Opens a queue on a loop; name it in the options of groups and tasks. Returns CRECHE_OK;
    /// CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED, CRECHE_E_SYSTEM (no descriptor), CRECHE_E_NO_MEMORY,
    /// CRECHE_E_CLOSED (the loop is closing), the handle errors. Since 0.1.
    pub fn creche_queue_open(loop_: creche_loop, options: *const creche_queue_options, queue: *mut creche_queue) -> creche_status;

    /// The queue's descriptor, to wait on (poll, epoll, asyncio's add_reader), never to read or close:
    /// readable if and only if the queue has completions, or is closed and nothing more will come. A drain
    /// that leaves some is news to who watches for changes only (EPOLLET).
    /// Without CRECHE_QUEUE_SOCKET it is an eventfd. With it, it is one end of a pair of connected stream
    /// sockets, and a runtime that can only watch by reading (Node's net.Socket) may read it, best through a
    /// descriptor of its own (dup), which it may close, too. A byte comes when there is news: the queue was
    /// empty, and now has something or is closed; or a drain has left some. So drain after each byte until
    /// fewer than `capacity` came. Its end comes with the queue's release. While somebody reads it nobody
    /// else can wait for it.
    /// Returns it, or a negative status. Since 0.1.
    pub fn creche_queue_fd(queue: creche_queue) -> i32;

    /// Takes up to `capacity` completions, in the order in which they came, and stores how many in *n,
    /// without waiting. They live until creche_completions_release. Returns CRECHE_OK (also with *n = 0
    /// for an empty queue); CRECHE_E_CLOSED when the queue is closed and everything was taken;
    /// CRECHE_E_INVALID, the handle errors (then *n = 0). Since 0.1.
    pub fn creche_queue_drain(queue: creche_queue, completions: *mut creche_completion, capacity: usize, n: *mut usize) -> creche_status;

    /// [not on a loop] The same, but waits until there is at least one; timeout: nanoseconds from the call,
    /// CRECHE_NEVER for as long as it takes. Blocks. The thread that runs a CRECHE_RUN_CALLER loop (that
    /// ran it last, or opened it) turns the loop meanwhile; others wait for that one. Further statuses:
    /// CRECHE_E_TIMEOUT, CRECHE_E_INTERRUPTED (a signal: call again), CRECHE_E_WOULD_DEADLOCK,
    /// CRECHE_E_SYSTEM (a sandbox that allows neither ppoll nor poll); CRECHE_E_CLOSED also once the loop
    /// has ended and everything was taken. Since 0.1.
    pub fn creche_queue_wait(queue: creche_queue, completions: *mut creche_completion, capacity: usize, timeout: i64, n: *mut usize) -> creche_status;

    /// Closes a queue: calls that would route to it get CRECHE_E_CLOSED; what was accepted is still
    /// delivered; then draining says CRECHE_E_CLOSED. done is called on the loop once nothing more will
    /// come (NULL: nobody is told). Idempotent. Returns CRECHE_OK, CRECHE_E_CLOSED (the loop has ended, so
    /// nobody could call done) and the handle errors. Since 0.1.
    pub fn creche_queue_close(queue: creche_queue, done: creche_done_fn, user: *mut c_void) -> creche_status;

    /// Closes a queue and throws away, with all that it owns, what is in it or still to come. Blocked
    /// waiters wake with CRECHE_E_CLOSED. Since 0.1.
    pub fn creche_queue_release(queue: creche_queue);

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_limiter_options_init(options: *mut creche_limiter_options, size: usize) -> creche_status;

    /// Opens a limiter on a loop, with all tokens free. *limiter is yours to release; it ends with its loop.
    /// Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED, CRECHE_E_CLOSED (the loop is closing),
    /// CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_limiter_open(loop_: creche_loop, options: *const creche_limiter_options, limiter: *mut creche_limiter) -> creche_status;

    /// Waits for a token, first come, first served. The completion's value is the token (CRECHE_OWNED): a
    /// lease of the nearest task, group or loop above `in`, which it holds open. It is given back by
    /// creche_token_release, when its task finishes, or, in a cancelled group, after the last other child;
    /// and at once if nobody takes the completion. (creche_to_group is of no use: the group would wait for
    /// the token that it keeps.) A token that is free, or becomes free, is the next
    /// waiter's in that very moment, also if that is cancelled before it can look.
    /// borrower: who borrows, to find double borrowing; 0 for nobody in particular.
    /// The completion fails with CRECHE_E_CLOSED if the limiter is released meanwhile.
    /// Returns as creche_sleep does; CRECHE_E_STATE also if this borrower holds a token or waits for one.
    /// Since 0.1.
    #[must_use]
    pub fn creche_limiter_acquire(limiter: creche_limiter, in_: creche_scope, borrower: u64, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Takes a token now, or not at all: *token, a lease as above, yours to release; {0} otherwise.
    /// Returns CRECHE_OK; CRECHE_E_LIMIT (none is free, or others wait); otherwise as
    /// creche_limiter_acquire. Since 0.1.
    #[must_use]
    pub fn creche_limiter_try(limiter: creche_limiter, in_: creche_scope, borrower: u64, token: *mut creche_token) -> creche_status;

    /// Changes the number of tokens. More of them go to waiters at once; with fewer, those who hold one
    /// keep it, and none is given out until enough came back. 0 is allowed.
    /// Returns CRECHE_OK or the handle errors. Since 0.1.
    pub fn creche_limiter_set_total(limiter: creche_limiter, total: u32) -> creche_status;

    /// Stores the first `size` bytes of the limiter's state as it is now (pass sizeof).
    /// Returns CRECHE_OK, CRECHE_E_INVALID or the handle errors. Since 0.1.
    pub fn creche_limiter_get_state(limiter: creche_limiter, state: *mut creche_limiter_state, size: usize) -> creche_status;

    /// Releases a limiter: those who wait fail with CRECHE_E_CLOSED, tokens given out stay good.
    /// Since 0.1.
    pub fn creche_limiter_release(limiter: creche_limiter);

    /// Makes a token a lease of the nearest task, group or loop above `to`.
    /// Returns CRECHE_OK; CRECHE_E_CLOSED, CRECHE_E_STATE (`to` takes no more, or is a library operation),
    /// CRECHE_E_WRONG_LOOP, the handle errors. Since 0.1.
    pub fn creche_token_move(token: creche_token, to: creche_scope) -> creche_status;

    /// Gives a token back; the first who waits has it when this returns. Since 0.1.
    pub fn creche_token_release(token: creche_token);

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_rate_options_init(options: *mut creche_rate_options, size: usize) -> creche_status;

    /// Opens a rate limiter on a loop, with a full bucket. *rate is yours to release; it ends with its
    /// loop. Returns as creche_limiter_open does. Since 0.1.
    pub fn creche_rate_open(loop_: creche_loop, options: *const creche_rate_options, rate: *mut creche_rate) -> creche_status;

    /// Waits until `permits` of them are there and uses them up; first come, first served, also if those
    /// behind want fewer. Cancelled before that, it takes none, and those behind move up. The completion
    /// fails with CRECHE_E_CLOSED if the rate limiter is released meanwhile.
    /// Returns as creche_sleep does; CRECHE_E_INVALID also if permits is 0 or more than the burst, which
    /// would never be there. Since 0.1.
    #[must_use]
    pub fn creche_rate_acquire(rate: creche_rate, in_: creche_scope, permits: u32, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Uses `permits` up now, or none at all. Returns CRECHE_OK; CRECHE_E_LIMIT (not there, others wait, or
    /// paused); CRECHE_E_INVALID as above; the handle errors. Since 0.1.
    #[must_use]
    pub fn creche_rate_try(rate: creche_rate, permits: u32) -> creche_status;

    /// Gives out nothing before `until`, a point of the loop's clock: what a server wants with 429 and
    /// Retry-After. A pause is never shortened by another. CRECHE_NEVER: until creche_rate_resume. The
    /// bucket fills meanwhile.
    /// Returns CRECHE_OK or the handle errors. Since 0.1.
    pub fn creche_rate_pause(rate: creche_rate, until: i64) -> creche_status;

    /// Ends a pause now. Returns CRECHE_OK or the handle errors. Since 0.1.
    pub fn creche_rate_resume(rate: creche_rate) -> creche_status;

    /// Stores the first `size` bytes of the rate limiter's state as it is now (pass sizeof).
    /// Returns CRECHE_OK, CRECHE_E_INVALID or the handle errors. Since 0.1.
    pub fn creche_rate_get_state(rate: creche_rate, state: *mut creche_rate_state, size: usize) -> creche_status;

    /// Releases a rate limiter: those who wait fail with CRECHE_E_CLOSED. Since 0.1.
    pub fn creche_rate_release(rate: creche_rate);

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_event_options_init(options: *mut creche_event_options, size: usize) -> creche_status;

    /// Opens an event on a loop, not set. *event is yours to release; it ends with its loop.
    /// Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED, CRECHE_E_CLOSED (the loop is closing),
    /// CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_event_open(loop_: creche_loop, options: *const creche_event_options, event: *mut creche_event) -> creche_status;

    /// Completes once the event is set; never inside this call, also if it is set already: then its result
    /// stands when this returns, and no later cancellation cuts it. Fails with
    /// CRECHE_E_CLOSED if it is released before it is set. Returns as creche_sleep does. Since 0.1.
    #[must_use]
    pub fn creche_event_wait(event: creche_event, in_: creche_scope, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Sets an event: the waits of all who wait stand as completed when this returns. Again is harmless.
    /// Returns CRECHE_OK or the handle errors. Since 0.1.
    pub fn creche_event_set(event: creche_event) -> creche_status;

    /// 1 if the event is set, 0 if not, or the handle errors. Since 0.1.
    pub fn creche_event_is_set(event: creche_event) -> i32;

    /// Releases an event: those who still wait fail with CRECHE_E_CLOSED. Since 0.1.
    pub fn creche_event_release(event: creche_event);

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_channel_options_init(options: *mut creche_channel_options, size: usize) -> creche_status;

    /// Opens a channel on a loop. *sender and *receiver are yours to release; they end with their loop.
    /// Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED, CRECHE_E_CLOSED (the loop is closing),
    /// CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_channel_open(loop_: creche_loop, options: *const creche_channel_options, sender: *mut creche_sender, receiver: *mut creche_receiver) -> creche_status;

    /// Sends an item: completes once a receiver has it or it is in the channel. Cancelled before that, it is
    /// not sent. If the call fails the item stays yours; with CRECHE_OK it is the channel's, and goes
    /// either to one receiver or to item_free (also if this fails or is cancelled).
    /// The completion fails with CRECHE_E_CLOSED if the last receiver, or this sender, is released
    /// meanwhile.
    /// Returns as creche_sleep does; CRECHE_E_CLOSED also if nobody receives any more. Since 0.1.
    #[must_use]
    pub fn creche_channel_send(sender: creche_sender, in_: creche_scope, item: u64, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Sends an item now, or not at all (then it stays yours). Returns CRECHE_OK; CRECHE_E_LIMIT (the channel
    /// is full; with capacity 0: nobody waits for an item); CRECHE_E_CLOSED (nobody receives any more);
    /// CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    #[must_use]
    pub fn creche_channel_try_send(sender: creche_sender, item: u64) -> creche_status;

    /// Receives an item: the completion's value. Kind CRECHE_END, with CRECHE_OK, says that the last sender
    /// was released and all items were taken. Cancelled before an item came, it takes none; an item that
    /// came is its own, and no cancellation changes that (creche_channel_unreceive gives it back). If
    /// nobody takes the completion (creche_nobody, a released queue) item_free gets the item. Fails with
    /// CRECHE_E_CLOSED if this receiver is released meanwhile. Returns as creche_sleep does. Since 0.1.
    #[must_use]
    pub fn creche_channel_receive(receiver: creche_receiver, in_: creche_scope, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Receives an item now, or none: *item, 0 on failure. Returns CRECHE_OK; CRECHE_E_LIMIT (there is none
    /// now); CRECHE_E_CLOSED (there will be none any more); CRECHE_E_INVALID, the handle errors.
    /// Since 0.1.
    #[must_use]
    pub fn creche_channel_try_receive(receiver: creche_receiver, item: *mut u64) -> creche_status;

    /// Puts an item in front of all others of its channel, as if it had never been received: whoever is told
    /// of an item next is told of this one. For what you have received and cannot use after all; several
    /// keep their order if the last is put back first. It finds a place in any case, past the capacity if
    /// need be, and after the last sender was released, too (who was told of the end knows nothing of it).
    /// With CRECHE_OK the item is the channel's, as after a send. Returns CRECHE_OK; CRECHE_E_NO_MEMORY, the
    /// handle errors (CRECHE_E_ENDED: this receiver was released; another of the channel's does as well):
    /// then the item stays yours. Since 0.1.
    #[must_use]
    pub fn creche_channel_put_back(receiver: creche_receiver, item: u64) -> creche_status;

    /// Cancels a receive even if its item, or the end, has come, as long as nobody was told: until its
    /// callback begins or its completion is drained. Then it has never been: the receives after it, whose
    /// completions nobody has seen either, have the items before theirs, and the last of these items goes to
    /// the next who waits, or back in front of the channel. So the order stays, whichever of them go. (After
    /// the last receiver was released item_free gets it.) For futures that are dropped, in any language.
    /// With CRECHE_OK it has no item: it completes with CRECHE_E_CANCELLED (reason explicit, by itself),
    /// unless it had failed, or was cancelled, before. For its group it has ended well if its item had come:
    /// in a race it has won all the same.
    /// Returns CRECHE_OK; CRECHE_E_ENDED: too late, what its completion says is so (also where
    /// creche_to_group or creche_nobody took the item when it came), or it was called before; CRECHE_E_STATE
    /// (no receive), CRECHE_E_NO_MEMORY (nothing changes), the handle errors. Since 0.1.
    #[must_use]
    pub fn creche_channel_unreceive(task: creche_task) -> creche_status;

    /// Another handle of the same side of the same channel, yours to release.
    /// Return CRECHE_OK, CRECHE_E_INVALID, CRECHE_E_NO_MEMORY or the handle errors. Since 0.1.
    pub fn creche_sender_clone(sender: creche_sender, clone: *mut creche_sender) -> creche_status;

    pub fn creche_receiver_clone(receiver: creche_receiver, clone: *mut creche_receiver) -> creche_status;

    /// Store the first `size` bytes of the channel's state as it is now (pass sizeof).
    /// Return CRECHE_OK, CRECHE_E_INVALID or the handle errors. Since 0.1.
    pub fn creche_sender_get_state(sender: creche_sender, state: *mut creche_channel_state, size: usize) -> creche_status;

    pub fn creche_receiver_get_state(receiver: creche_receiver, state: *mut creche_channel_state, size: usize) -> creche_status;

    /// Releases a handle of the sending side: sends through it that wait fail with CRECHE_E_CLOSED. After the
    /// last one receivers get what is in the channel, then CRECHE_END. Since 0.1.
    pub fn creche_sender_release(sender: creche_sender);

    /// Releases a handle of the receiving side: receives through it that wait fail with CRECHE_E_CLOSED. After
    /// the last one sends fail with CRECHE_E_CLOSED, and item_free gets what is in the channel.
    /// Since 0.1.
    pub fn creche_receiver_release(receiver: creche_receiver);

    /// A parameter from two strings; value NULL is none. Since 0.1.
    pub fn creche_param_text(name: *const c_char, value: *const c_char) -> creche_param;

    /// What `reference` means beside `base`, as RFC 3986, 5.2 has it (strictly), for URLs of all schemes:
    /// "../g" beside "http://a/b/c/d" is "http://a/b/g". The last segment of base's path gives way, unless
    /// it ends in a slash: "x" beside "http://a/v1" is "http://a/x", beside "http://a/v1/" it is
    /// "http://a/v1/x". Dot segments are taken out of the path, nothing is encoded, decoded or put in
    /// another case; a fragment of the reference is kept. Written to `joined` with a NUL, cut at `capacity`
    /// (0: joined may be NULL); *size (may be NULL): the bytes that it needs without the NUL, also with
    /// CRECHE_E_LIMIT. Returns CRECHE_OK; CRECHE_E_LIMIT (it was cut), CRECHE_E_URL (base has no scheme;
    /// one of them holds a control character), CRECHE_E_INVALID, CRECHE_E_NO_MEMORY. Since 0.1.
    pub fn creche_url_join(base: *const c_char, reference: *const c_char, joined: *mut c_char, capacity: usize, size: *mut usize) -> creche_status;

    /// A field of a form from two strings; value NULL is an empty one. Since 0.1.
    pub fn creche_part_text(name: *const c_char, value: *const c_char) -> creche_part;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_retry_init(retry: *mut creche_retry, size: usize) -> creche_status;

    /// Answers creche_auth.ask: a token (copied), which all requests with that auth show from now on; or NULL:
    /// there is none, and those who wait are sent with what there is; or, with a status other than CRECHE_OK
    /// (CRECHE_E_USER, -1000 or below, or the one that it has met), those who wait fail with it, in phase "auth".
    /// Of a request that is gone meanwhile nothing happens, but the token counts. Returns CRECHE_OK;
    /// CRECHE_E_STATE (nobody was asked so, or it was answered already), CRECHE_E_INVALID (status is positive;
    /// token is empty or holds what may not stand in a field), CRECHE_E_NO_MEMORY, the handle errors.
    /// Since 0.1.
    #[must_use]
    pub fn creche_session_give_token(session: creche_session, ask: u64, status: creche_status, token: *const c_char) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_cookie_jar_options_init(options: *mut creche_cookie_jar_options, size: usize) -> creche_status;

    /// Makes an empty jar. options: may be NULL. Returns CRECHE_OK, CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED,
    /// CRECHE_E_NO_MEMORY. Since 0.1.
    pub fn creche_cookie_jar_open(options: *const creche_cookie_jar_options, jar: *mut creche_cookie_jar) -> creche_status;

    /// Gives the handle up. Since 0.1.
    pub fn creche_cookie_jar_release(jar: creche_cookie_jar);

    /// Puts a cookie in as it is, in place of one of that name, domain and path; one that has expired
    /// takes it out. Returns CRECHE_OK; CRECHE_E_INVALID (a part that is no part of a cookie, a prefix that
    /// does not hold), CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_cookie_jar_set(jar: creche_cookie_jar, cookie: *const creche_cookie) -> creche_status;

    /// Takes the value of a Set-Cookie field as an answer from `url` had it. Returns CRECHE_OK if it was
    /// kept (or took another out); CRECHE_E_INVALID (it was ignored), CRECHE_E_URL, CRECHE_E_NO_MEMORY, the
    /// handle errors. Since 0.1.
    pub fn creche_cookie_jar_receive(jar: creche_cookie_jar, url: *const c_char, set_cookie: *const c_char) -> creche_status;

    /// What would be sent to `url` as Cookie now: stores up to capacity - 1 bytes and a NUL in buffer (may
    /// be NULL with capacity 0), and the whole size in *size (may be NULL). Returns CRECHE_OK;
    /// CRECHE_E_LIMIT (the buffer is too small: *size says how much is needed), CRECHE_E_INVALID,
    /// CRECHE_E_URL, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_cookie_jar_get(jar: creche_cookie_jar, url: *const c_char, buffer: *mut c_char, capacity: usize, size: *mut usize) -> creche_status;

    /// Calls `each` for all cookies that have not expired, as they were when this was called, the oldest
    /// first, in the calling thread, until it returns something else than 0. Returns CRECHE_OK,
    /// CRECHE_E_INVALID, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_cookie_jar_each(jar: creche_cookie_jar, each: creche_cookie_fn, user: *mut c_void) -> creche_status;

    /// Takes out the cookies of `domain` and all below it; NULL: all. Returns CRECHE_OK, the handle errors.
    /// Since 0.1.
    pub fn creche_cookie_jar_clear(jar: creche_cookie_jar, domain: *const c_char) -> creche_status;

    /// All cookies as text in a form (CRECHE_COOKIES_*), those that end with the session, too: stores them as
    /// creche_cookie_jar_get does, with the same statuses. Since 0.1.
    pub fn creche_cookie_jar_export(jar: creche_cookie_jar, form: u32, buffer: *mut c_char, capacity: usize, size: *mut usize) -> creche_status;

    /// Puts in what is in a text; cookies of it that are none, or have expired, are left out. Returns
    /// CRECHE_OK; CRECHE_E_INVALID (not of that form, then nothing has changed), CRECHE_E_NO_MEMORY, the
    /// handle errors. Since 0.1.
    pub fn creche_cookie_jar_import(jar: creche_cookie_jar, form: u32, text: *const c_char, size: usize) -> creche_status;

    /// Writes all cookies to a file that only its owner can read (mode 0600), in place of the one that is
    /// there, in one step. [not on a loop] Blocks. Returns CRECHE_OK, CRECHE_E_INVALID, CRECHE_E_SYSTEM,
    /// CRECHE_E_WOULD_DEADLOCK, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    #[must_use]
    pub fn creche_cookie_jar_save(jar: creche_cookie_jar, form: u32, path: *const c_char) -> creche_status;

    /// Puts in what is in a file. [not on a loop] Blocks. Returns as creche_cookie_jar_import and _save do.
    /// Since 0.1.
    #[must_use]
    pub fn creche_cookie_jar_load(jar: creche_cookie_jar, form: u32, path: *const c_char) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_tls_options_init(options: *mut creche_tls_options, size: usize) -> creche_status;

    /// Makes settings, for sessions and requests of all loops: for servers, and for https:// proxies on the way
    /// to them, which are met with the same ones (pins and server_name, too). Reads all files now, in the calling
    /// thread, and blocks for that (the system's authorities take some 80 ms): what they hold later is for new settings. Immutable;
    /// sessions and requests keep what they use. Connections are only used again by requests with the
    /// same settings. Returns CRECHE_OK; CRECHE_E_INVALID (options: a pin that is none, a key without a
    /// certificate, contradictions), CRECHE_E_UNSUPPORTED; CRECHE_E_SYSTEM (a file cannot be read),
    /// CRECHE_E_TLS (it does not hold what it should, a key does not fit, unknown ciphers),
    /// CRECHE_E_NO_MEMORY. Since 0.1.
    pub fn creche_tls_open(options: *const creche_tls_options, tls: *mut creche_tls) -> creche_status;

    /// Gives the handle up. Since 0.1.
    pub fn creche_tls_release(tls: creche_tls);

    /// A header field from two strings; value NULL is an empty one. Since 0.1.
    pub fn creche_header_text(name: *const c_char, value: *const c_char) -> creche_header;

    /// Reads what there is of the body, at least 1 and up to `capacity` bytes (0: 65536): kind CRECHE_CHUNK
    /// with data and data_size, or CRECHE_END when the body has ended; then again, however often. One read
    /// at a time: a second one completes with CRECHE_E_STATE. Not reading holds the server back.
    /// Cancelling a read cancels only the read. 1 MiB of a coded body in a row that decodes to nothing is
    /// CRECHE_E_LIMIT: no read waits for ever while bytes come. What has arrived is delivered before a failure
    /// (CRECHE_E_TRUNCATED, _TIMEOUT, _CODING, ...), which each further read says again. So it is after
    /// the end of the session or of the owner: what had arrived, then CRECHE_END if that was all, else
    /// CRECHE_E_CLOSED. Returns CRECHE_OK; CRECHE_E_STATE (a whole response), or as creche_task_spawn.
    /// Since 0.1.
    #[must_use]
    pub fn creche_response_read(response: creche_response, in_: creche_scope, capacity: usize, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Reads a record: all up to and with the first `delimiter` (1 or more bytes, which may come in pieces:
    /// "\n" for lines, "\r\n", "\n\n", a NUL), up to `max` bytes with it (0: 65536). Kind CRECHE_CHUNK
    /// with data and data_size, or CRECHE_END. What comes last need not end in a delimiter, before a failure
    /// either: it is a record as it is. A record that is longer is CRECHE_E_LIMIT, and nothing is lost: it is
    /// still there for a call with a greater max, or any other read. So it is when the read is cancelled.
    /// The rest as creche_response_read. Returns as that; CRECHE_E_INVALID (no delimiter). Since 0.1.
    #[must_use]
    pub fn creche_response_read_until(response: creche_response, in_: creche_scope, delimiter: *const c_void, delimiter_size: usize, max: usize, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Reads `size` bytes, no fewer: kind CRECHE_CHUNK. If the body ends before, it is CRECHE_E_LIMIT, or the
    /// failure that the body has ended with, and what there is can still be read; CRECHE_END if nothing was
    /// left. The rest as creche_response_read. Returns as that; CRECHE_E_INVALID (size is 0). Since 0.1.
    #[must_use]
    pub fn creche_response_read_exactly(response: creche_response, in_: creche_scope, size: usize, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Hands a response that is a lease to another owner: the task, group or loop nearest to `to`, which it
    /// holds open from now on; its former owner is free to end. Harmless once the body has been read to
    /// the end. Returns CRECHE_OK; CRECHE_E_STATE (a whole response; `to` is a library operation),
    /// CRECHE_E_ENDED (it was given back with its owner), CRECHE_E_CLOSED (`to` takes no more work),
    /// CRECHE_E_WRONG_LOOP, the handle errors of both; then nothing has changed. Since 0.1.
    pub fn creche_response_move(response: creche_response, to: creche_scope) -> creche_status;

    /// Gives a response up. If its body was not read to the end, the connection is closed. Without it a
    /// response lives on, with all that is lent from it: the end of its owner, its session or its loop
    /// only closes the connection. Since 0.1.
    pub fn creche_response_release(response: creche_response);

    /// The HTTP status, 100 to 999, or a negative status (the handle errors). Since 0.1.
    pub fn creche_response_status(response: creche_response) -> i32;

    /// The value of the first header field of that name (any case), NUL-terminated, its size in *size
    /// (may be NULL); NULL if there is none or the handle is bad. Lives as long as the response.
    /// Since 0.1.
    pub fn creche_response_header(response: creche_response, name: *const c_char, size: *mut usize) -> *const c_char;

    /// The header field number `index`, in the order of the wire, stored in *header; its text lives as
    /// long as the response. Returns CRECHE_OK, CRECHE_E_LIMIT (there are fewer), CRECHE_E_INVALID, the
    /// handle errors. Since 0.1.
    pub fn creche_response_header_at(response: creche_response, index: usize, header: *mut creche_header) -> creche_status;

    /// The same of the trailer: fields behind a chunked body. They are there once the end of the body has been
    /// received. Fields that mean nothing there are dropped, as RFC 9110 has it: those that say how long a
    /// body is (they are CRECHE_E_PROTOCOL), how to read it, or to whom it goes; credentials, cookies
    /// (Set-Cookie), what controls caches or connections. All of it has 16 KiB at the most. Before the end, and
    /// without a trailer, there are none: NULL, CRECHE_E_LIMIT. Since 0.1.
    pub fn creche_response_trailer(response: creche_response, name: *const c_char, size: *mut usize) -> *const c_char;

    pub fn creche_response_trailer_at(response: creche_response, index: usize, header: *mut creche_header) -> creche_status;

    /// The certificate number `index` of those that the server has shown: its own is 0, then as they came;
    /// after a resumption those of the first handshake. (Of an https proxy's they are none.) Written to
    /// `certificate`, cut at `capacity` (0: it may be NULL), behind a text a NUL; *size (may be NULL): its
    /// bytes, without the NUL, also with CRECHE_E_LIMIT. Returns CRECHE_OK; CRECHE_E_LIMIT (it was cut, or
    /// there are fewer: *size is 0), CRECHE_E_INVALID, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_response_certificate(response: creche_response, index: usize, form: u32, certificate: *mut c_void, capacity: usize, size: *mut usize) -> creche_status;

    /// The body of a whole response: a view into it, NUL-terminated, its size in *size (may be NULL); what a
    /// completion of creche_session_fetch has as data. Empty where it was written to a file; NULL if the handle
    /// is bad, and for a response whose body is read. Lives as long as the response. Since 0.1.
    pub fn creche_response_body(response: creche_response, size: *mut usize) -> *const c_char;

    /// The URL that answered, after redirects; NULL if the handle is bad. Lives as long as the response.
    /// Since 0.1.
    pub fn creche_response_url(response: creche_response) -> *const c_char;

    /// The redirect number `index` of those that led to the answer, the first is 0, stored in *redirect.
    /// Returns CRECHE_OK, CRECHE_E_LIMIT (there are fewer), CRECHE_E_INVALID, the handle errors. Since 0.1.
    pub fn creche_response_redirect_at(response: creche_response, index: usize, redirect: *mut creche_redirect) -> creche_status;

    /// Fills the first `size` bytes of *info. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
    /// Since 0.1.
    pub fn creche_response_get_info(response: creche_response, info: *mut creche_response_info, size: usize) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_middleware_init(middleware: *mut creche_middleware, size: usize) -> creche_status;

    /// Answers a turn. decision: NULL is GO. Returns CRECHE_OK; CRECHE_E_STATE (there is no such turn, any more:
    /// the request is over, or it was answered), CRECHE_E_INVALID (a field; what does not fit the turn is as GO),
    /// CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    #[must_use]
    pub fn creche_session_decide(session: creche_session, turn: u64, decision: *const creche_decision) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_watch_init(watch: *mut creche_watch, size: usize) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_socket_options_init(options: *mut creche_socket_options, size: usize) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_session_options_init(options: *mut creche_session_options, size: usize) -> creche_status;

    /// Opens a session on a loop. Connects nowhere yet. ca_file and the netrc are read
    /// here, in the calling thread, which may block for that. Returns CRECHE_OK; CRECHE_E_INVALID (options),
    /// CRECHE_E_URL (base_url), CRECHE_E_UNSUPPORTED, CRECHE_E_SYSTEM or CRECHE_E_TLS (the CA file cannot be read or holds no
    /// certificate), CRECHE_E_CLOSED (the loop is closing), CRECHE_E_NO_MEMORY, the handle errors.
    /// Since 0.1.
    pub fn creche_session_open(loop_: creche_loop, options: *const creche_session_options, session: *mut creche_session) -> creche_status;

    /// Closes a session: requests in flight end with CRECHE_E_CLOSED (error->phase: where each of them
    /// was), connections are closed; then comes the last completion (kind CRECHE_DONE, task {0}, value: the
    /// session's id, not owned), after the return of all callbacks: to done; for NULL to the queue of the
    /// session's options, if it has one;
    /// creche_nobody: nobody is told. Idempotent: each call gets a completion. Returns CRECHE_OK;
    /// CRECHE_E_INVALID (creche_to_group); CRECHE_E_CLOSED (that queue is closed) or CRECHE_E_ENDED (the loop
    /// has ended) if nobody could be told: then nothing happens; CRECHE_E_NO_MEMORY, the handle errors.
    /// Since 0.1.
    pub fn creche_session_close(session: creche_session, done: creche_done_fn, user: *mut c_void) -> creche_status;

    /// Closes without a completion and gives up the handle. Since 0.1.
    pub fn creche_session_release(session: creche_session);

    /// Fills the first `size` bytes of *counters. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
    /// Since 0.1.
    pub fn creche_session_get_counters(session: creche_session, counters: *mut creche_session_counters, size: usize) -> creche_status;

    /// Fills the first `size` bytes of *timings. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
    /// Since 0.1.
    pub fn creche_session_get_timings(session: creche_session, timings: *mut creche_session_timings, size: usize) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_request_options_init(options: *mut creche_request_options, size: usize) -> creche_status;

    /// Fetches a URL whole: status, headers and the decoded body, up to max_body. Any HTTP status is
    /// success, but for CRECHE_REQUEST_FAIL_ON_STATUS. The completion: code: the HTTP status; value: a creche_response, CRECHE_OWNED; data and
    /// data_size: the body, a view into it (never NULL; a NUL byte follows the body). A malformed URL or
    /// header fails like any other fetch, in the completion (CRECHE_E_URL, CRECHE_E_INVALID).
    /// Failures: CRECHE_E_URL, _DNS, _CONNECT, _TLS, _TLS_VERIFY, _DISCONNECTED, _PROTOCOL, _TRUNCATED,
    /// _CODING, _BODY, _REDIRECT, _HTTP_STATUS, _LIMIT, _TIMEOUT, _CANCELLED, _CLOSED, _SYSTEM, _NO_MEMORY; error->phase
    /// says where. Cancelled: its connection is closed. options: may be NULL. task: may be NULL.
    /// Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_session_fetch(session: creche_session, in_: creche_scope, url: *const c_char, options: *const creche_request_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Opens connections to where a request to this URL would go until there are `count` (those in use or
    /// idle counted, within the session's limits, and closing none for it), and keeps them idle for who comes:
    /// they know the name, have shaken hands, and wait for `keepalive`. Completes when all of them are open:
    /// code: how many were opened. If one cannot be, it fails as a fetch would, when the others are done, and
    /// what was opened is kept. options (may be NULL): timeouts and task, and what chooses the way there.
    /// Returns CRECHE_OK; CRECHE_E_INVALID (count is 0), or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_session_warm_up(session: creche_session, in_: creche_scope, url: *const c_char, count: u32, options: *const creche_request_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Sends a request and completes at the head of the answer: code: the HTTP status; value: a
    /// creche_response, CRECHE_OWNED, whose body is read with creche_response_read. Until its body has
    /// been read to the end, the response is a lease: it belongs to the nearest task or group around `in`
    /// (or the loop) and holds it open. A body of bytes is sent on meanwhile. If the head comes before
    /// the end of a pulled body, its completion has CRECHE_MORE: CRECHE_PULL goes on beside your reading.
    /// Then the last completion (kind CRECHE_DONE, code as before, no value) comes when the body has been
    /// sent and the response is no lease of that owner any more: it has been read to its end, released,
    /// moved or given back. It says CRECHE_OK, or why not all of the body could be sent (as the reads
    /// do); CRECHE_OK, too, if you released the response. Cancelled before all is sent, the connection
    /// is closed and reads end with CRECHE_E_CLOSED; later, only the task ends, with CRECHE_OK.
    /// The rest as creche_session_fetch. Since 0.1.
    #[must_use]
    pub fn creche_session_send(session: creche_session, in_: creche_scope, url: *const c_char, options: *const creche_request_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_events_options_init(options: *mut creche_events_options, size: usize) -> creche_status;

    /// Listens to a stream of events: completions of kind CRECHE_EVENT with CRECHE_MORE, data: a const
    /// creche_server_event *, code: 200; at the end CRECHE_DONE. The request has Accept:
    /// text/event-stream and Cache-Control: no-store unless you name them, and Last-Event-ID once there
    /// is an id (one that cannot stand in a header, or of more than 4 KiB, is not sent).
    /// A stream that ends or breaks is asked for anew, at the URL that you gave: after the wait that the
    /// server or `retry` says; twice as long after each failure in a row, up to max_retry; and up to a
    /// quarter more, at random. A wait that a server says is 10 ms at least, and streams in a row that bring
    /// no event are asked for again more and more slowly, up to 1 s apart, if what is said is less. What had come is delivered before; an event without the empty line
    /// behind it is none. The first connection is tried once, or as often as a policy of its own says
    /// (creche_retry of the request or the session): if it fails, so does the task. Later ones
    /// that fail with CRECHE_E_DNS, _CONNECT, _TLS, _DISCONNECTED, _PROTOCOL, _TRUNCATED, _CODING, _TIMEOUT
    /// or _SYSTEM are tried again, `attempts` in a row at the most; one counts as good once a byte of a
    /// stream has come, or when its stream has lasted for max_retry. Nothing is sent again with
    /// CRECHE_EVENTS_ONCE, nor with a method that is not idempotent unless CRECHE_EVENTS_AGAIN allows it:
    /// then the end of the stream is CRECHE_DONE with CRECHE_OK and code 200, its loss a failure.
    /// A 204 ends it with CRECHE_OK, code 204: the server wants no more connections. Any other status than
    /// 200, or another Content-Type, is CRECHE_E_PROTOCOL with error->http_status (and code) at once.
    /// Further failures as of creche_session_fetch. Cancelled, or at a deadline: its connection is closed.
    /// A body can only be bytes. Returns as creche_session_fetch does; CRECHE_E_INVALID also for a pulled
    /// body. Since 0.1.
    #[must_use]
    pub fn creche_session_events(session: creche_session, in_: creche_scope, url: *const c_char, options: *const creche_events_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_websocket_options_init(options: *mut creche_websocket_options, size: usize) -> creche_status;

    /// Opens a WebSocket: "ws://...", "wss://..." or the same with http and https. The handshake is a
    /// request of the session's (its limits, proxy, TLS; redirects are followed, to ws and wss URLs, too).
    /// The completion: code: 101 (by HTTP/2 another one of 2xx: see creche/http2.h);
    /// value: a creche_websocket, CRECHE_OWNED: a lease of the nearest task or group around `in` (or the loop),
    /// which it holds open until it is closed. Its connection counts for the limits of the session, and is
    /// never used for anything else by HTTP/1.1. Failures: CRECHE_E_PROTOCOL with error->http_status (and
    /// code): another status than that, or an answer that is not to our key or grants what was not offered;
    /// the rest as creche_session_fetch. Returns as creche_session_fetch does; CRECHE_E_INVALID also for a request with
    /// a body or a method. Since 0.1.
    #[must_use]
    pub fn creche_session_websocket(session: creche_session, in_: creche_scope, url: *const c_char, options: *const creche_websocket_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Sends a message (copied), behind those of the calls before; completes when the system has taken all
    /// of it, so that awaiting each holds you back as far as the server does. Text must be UTF-8:
    /// CRECHE_E_INVALID. Cancelled before it has begun to go out, it is not sent; later it goes out all the
    /// same. Failures: CRECHE_E_CLOSED (a close was begun, by you or the server), _DISCONNECTED, _TIMEOUT,
    /// _PROTOCOL, _LIMIT: why the WebSocket has ended. Returns CRECHE_OK, CRECHE_E_INVALID, or as
    /// creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_websocket_send(websocket: creche_websocket, in_: creche_scope, type_: u32, data: *const c_void, size: usize, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Receives the next message, whole: kind CRECHE_MESSAGE, code: CRECHE_WEBSOCKET_TEXT (it is UTF-8) or
    /// _BINARY, data and data_size, with a NUL behind. Kind CRECHE_END: the server has closed, code: its close
    /// code, 1005 if it gave none, data: its reason; and again. Otherwise it fails, once all that had come
    /// was received, as the WebSocket did: CRECHE_E_PROTOCOL, _CODING, _LIMIT (the server was told why by
    /// a close), _DISCONNECTED, _TIMEOUT, _CLOSED, with code 1006. One receive at a time: a second one
    /// completes with CRECHE_E_STATE. With 256 KiB unreceived the server is held back. Cancelling a receive
    /// cancels only that. Pings are answered without your help, in the order of what is received.
    /// Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_websocket_receive(websocket: creche_websocket, in_: creche_scope, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Closes in order: what was sent before goes out, then a close with this code (0: none; 1000 to 1003,
    /// 1007 to 1014, 3000 to 4999) and reason (UTF-8, up to 123 bytes, or NULL). Completes when the server
    /// has closed too, or the connection has ended: code: the server's close code, 1005 if it gave none, 1006
    /// if it never closed; after close_timeout with CRECHE_E_TIMEOUT, and the connection is dropped. Messages
    /// that come after the call are not kept; those before can still be received. Idempotent: each call
    /// gets a completion. Returns CRECHE_OK, CRECHE_E_INVALID (code, reason), or as creche_task_spawn does.
    /// Since 0.1.
    #[must_use]
    pub fn creche_websocket_close(websocket: creche_websocket, in_: creche_scope, code: u32, reason: *const c_char, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// The subprotocol that was agreed on, "" for none; NULL if the handle is bad. Lives as long as the
    /// handle. Since 0.1.
    pub fn creche_websocket_protocol(websocket: creche_websocket) -> *const c_char;

    /// Hands it to another owner: the task, group or loop nearest to `to`. As creche_response_move.
    /// Since 0.1.
    pub fn creche_websocket_move(websocket: creche_websocket, to: creche_scope) -> creche_status;

    /// Gives it up: a close (1000) is sent if that is possible at once, and the connection is closed; so it is
    /// at the end of its owner (1001). What was received lives on. Since 0.1.
    pub fn creche_websocket_release(websocket: creche_websocket);

    /// One from its parts; integer and real are 0. Since 0.1.
    pub fn creche_value_of(type_: u32, form: u32, data: *const c_void, size: usize) -> creche_value;

    /// SQL NULL. Since 0.1.
    pub fn creche_null() -> creche_value;

    /// Text of which the server infers the type (also "2026-01-31" for a date); NULL is SQL NULL. Since 0.1.
    pub fn creche_text(text: *const c_char) -> creche_value;

    /// The same with a size. It must hold no NUL byte. Since 0.1.
    pub fn creche_text_n(text: *const c_char, size: usize) -> creche_value;

    /// bytea; NULL with size 0 is an empty one. Since 0.1.
    pub fn creche_bytes(data: *const c_void, size: usize) -> creche_value;

    /// A type whose form is CRECHE_VALUE_INTEGER. Since 0.1.
    pub fn creche_integer_of(type_: u32, integer: i64) -> creche_value;

    /// bool: anything but 0 is true. Since 0.1.
    pub fn creche_bool(b: i32) -> creche_value;

    /// int2. Since 0.1.
    pub fn creche_int2(i: i16) -> creche_value;

    /// int4. Since 0.1.
    pub fn creche_int4(i: i32) -> creche_value;

    /// int8. Since 0.1.
    pub fn creche_int8(i: i64) -> creche_value;

    /// float8. Since 0.1.
    pub fn creche_float8(d: f64) -> creche_value;

    /// timestamptz, from microseconds since 1970-01-01 UTC. Since 0.1.
    pub fn creche_timestamptz(unix_us: i64) -> creche_value;

    /// A bool: 0 or 1. Since 0.1.
    pub fn creche_row_get_bool(rows: *const creche_row_block, row: u64, column: u32, value: *mut i32) -> creche_status;

    /// An int2, int4, int8, oid, or a numeric that is a whole number, if it fits. count(*) is an int8,
    /// sum() of int8 a numeric: both can be read so. Since 0.1.
    pub fn creche_row_get_int4(rows: *const creche_row_block, row: u64, column: u32, value: *mut i32) -> creche_status;

    pub fn creche_row_get_int8(rows: *const creche_row_block, row: u64, column: u32, value: *mut i64) -> creche_status;

    /// The double that is nearest to a number of any type: float4, float8, int2, int4, int8, oid, numeric
    /// (CRECHE_E_LIMIT for one that is beyond all doubles). Since 0.1.
    pub fn creche_row_get_float8(rows: *const creche_row_block, row: u64, column: u32, value: *mut f64) -> creche_status;

    /// A timestamptz, a timestamp or a date (its midnight): microseconds since 1970-01-01 UTC; INT64_MIN and
    /// INT64_MAX are the infinities. What is later than that (the years 294247 to 294276) is CRECHE_E_LIMIT;
    /// creche_row_format has it. Since 0.1.
    pub fn creche_row_get_timestamptz(rows: *const creche_row_block, row: u64, column: u32, value: *mut i64) -> creche_status;

    /// A text-like column (as creche_row_text): a view into the block, NUL-terminated, its size in *size (may
    /// be NULL). For all other types there is creche_row_get_format. Since 0.1.
    pub fn creche_row_get_text(rows: *const creche_row_block, row: u64, column: u32, value: *mut *const c_char, size: *mut usize) -> creche_status;

    /// The binary form of a column that is not held in `bits` (bytea: its bytes; uuid: 16 of them): a view
    /// into the block, its size in *size (may be NULL). Since 0.1.
    pub fn creche_row_get_bytes(rows: *const creche_row_block, row: u64, column: u32, value: *mut *const c_void, size: *mut usize) -> creche_status;

    /// A cell of any type as text (as creche_row_format), written to buffer with a NUL. *size (may be NULL):
    /// the bytes that it needs without the NUL, also with CRECHE_E_LIMIT: it did not fit into capacity, and
    /// was cut. CRECHE_E_NO_MEMORY, too. Since 0.1.
    pub fn creche_row_get_format(rows: *const creche_row_block, row: u64, column: u32, buffer: *mut c_char, capacity: usize, size: *mut usize) -> creche_status;

    /// 1 if the cell is SQL NULL or out of range. Since 0.1.
    pub fn creche_row_is_null(rows: *const creche_row_block, row: u64, column: u32) -> i32;

    /// The number of the column with that name (the last one of several), or -1. Since 0.1.
    pub fn creche_row_column_index(rows: *const creche_row_block, name: *const c_char) -> i32;

    /// The column's name; NULL out of range. Since 0.1.
    pub fn creche_row_column_name(rows: *const creche_row_block, column: u32) -> *const c_char;

    /// The column's type oid; 0 out of range. Since 0.1.
    pub fn creche_row_column_type(rows: *const creche_row_block, column: u32) -> u32;

    /// The name of a type, "int8", "mood": of a built-in one (static), or of one that the block describes (lives
    /// as long as the block); NULL if neither. Since 0.1.
    pub fn creche_row_type_name(rows: *const creche_row_block, type_: u32) -> *const c_char;

    /// A bool column: 0 or 1. Since 0.1.
    pub fn creche_row_bool(rows: *const creche_row_block, row: u64, column: u32) -> i32;

    /// An int2, int4, int8 or oid column, widened; a date in days, a timestamp or timestamptz in
    /// microseconds since 1970-01-01. Since 0.1.
    pub fn creche_row_int8(rows: *const creche_row_block, row: u64, column: u32) -> i64;

    /// An int2 or int4 column. Since 0.1.
    pub fn creche_row_int4(rows: *const creche_row_block, row: u64, column: u32) -> i32;

    /// A float4 or float8 column; integers are converted; numeric is converted with rounding. Since 0.1.
    pub fn creche_row_float8(rows: *const creche_row_block, row: u64, column: u32) -> f64;

    /// A text-like column (text, varchar, bpchar, name, json, xml, enums, citext, unknown; jsonb and ltree
    /// without their version byte; any column that came as text, creche_row_column.text): NUL-terminated, its size in
    /// *size (may be NULL). NULL for SQL NULL and for types that are not text. Since 0.1.
    pub fn creche_row_text(rows: *const creche_row_block, row: u64, column: u32, size: *mut usize) -> *const c_char;

    /// The binary form of any column that is not held in `bits`, its size in *size (may be NULL). NULL for
    /// SQL NULL and for types held in bits. Since 0.1.
    pub fn creche_row_bytes(rows: *const creche_row_block, row: u64, column: u32, size: *mut usize) -> *const c_void;

    /// Any cell as text, exactly as PostgreSQL prints it with DateStyle ISO, hex bytea and time zone UTC:
    /// every type, built in or not. What a type of your own is (an enum, a domain, a row, a range; hstore,
    /// ltree, citext and pgvector's vector) is asked of the server once, behind the first result that has
    /// one; what only the server can print it is asked to, and the next time those columns come as text
    /// (creche_row_column.text). Of a stream it is asked before its first run. Where it could not be asked (in a
    /// transaction that has failed by then, streams of no SELECT, INSERT, ...), names of the catalog
    /// are numbers, and the rest is its binary form as \x and hex. An interval whose parts are all the
    /// greatest, or all the least, is infinity, as PostgreSQL 17 has it (to older ones it is a number). Written to buffer with a NUL, cut at
    /// capacity. Returns the bytes that all of it needs without the NUL; 0 for SQL NULL. Since 0.1.
    pub fn creche_row_format(rows: *const creche_row_block, row: u64, column: u32, buffer: *mut c_char, capacity: usize) -> usize;

    /// The block of a rows handle; NULL if the handle is bad. Lives until it is released. Since 0.1.
    pub fn creche_rows_block(rows: creche_rows) -> *const creche_row_block;

    /// Gives rows up. For a block of a stream: lets the stream go on. Since 0.1.
    pub fn creche_rows_release(rows: creche_rows);

    /// Writes the rows as JSON, in UTF-8: an array of objects, one a line. As PostgreSQL's row_to_json has
    /// it: numbers are written with all their digits (numeric too, so that a reader who has more than
    /// doubles loses nothing); NaN, Infinity and -Infinity as strings (or CRECHE_JSON_FINITE); bool as true
    /// and false; json and jsonb as they are; arrays of any dimension as arrays; hstore as an object; NULL as
    /// null; timestamps in ISO 8601 ("2020-01-31T12:30:00.5+00:00"); everything else as a string, as
    /// creche_row_format has it. Other than there, a row in a column is a string, too: its fields' names are
    /// not known here; and the elements of an array that the server has printed (of regclass, money, an
    /// extension's types) are strings. Columns of one name give an object with one name twice. Bytes that are no UTF-8
    /// (SQL_ASCII) become U+FFFD. flags: CRECHE_JSON_*. write is called with pieces of about 64 KiB, so that
    /// nothing of the size of the block is made. A block without columns gives empty objects.
    /// Returns CRECHE_OK; CRECHE_E_CANCELLED (write stopped it), CRECHE_E_INVALID (rows is no block, write is
    /// NULL, unknown flags), CRECHE_E_NO_MEMORY. Since 0.1.
    pub fn creche_rows_to_json(rows: *const creche_row_block, flags: u32, write: creche_text_fn, user: *mut c_void) -> creche_status;

    /// Writes the rows as CSV, as COPY ... TO STDOUT (FORMAT csv) does with DateStyle ISO and time zone UTC: a
    /// NULL is nothing, an empty text is "", quotes stand around what needs them and are doubled inside.
    /// delimiter: 0: a comma; a quote, CR or LF is CRECHE_E_INVALID. Bytes are as they are, whatever they mean.
    /// flags: CRECHE_CSV_*. The rest, and the statuses, as creche_rows_to_json. Since 0.1.
    pub fn creche_rows_to_csv(rows: *const creche_row_block, flags: u32, delimiter: c_char, write: creche_text_fn, user: *mut c_void) -> creche_status;

    /// Gives the rows away as a struct array, a child for each column (a record batch), to whoever reads the
    /// Arrow C Data Interface; call schema->release and array->release, or let who takes them do so. It is a
    /// copy: the block may go. Types:
    ///   bool: b; int2, int4, int8: s, i, l; oid: I; float4, float8: f, g (NaN and infinities as they are);
    ///   date: tdD; timestamp: tsu:; timestamptz: tsu:UTC; bytea: z; uuid: w:16;
    ///   numeric(p,s) with p up to 38: d:p,s (decimal128); a numeric without a declared precision, which may
    ///   have any: u, or with CRECHE_ARROW_DECIMAL(p, s) in flags d:p,s;
    ///   everything else: u, as creche_row_format has it (text, json, enums, time, interval, arrays, ...).
    ///   z and u become Z and U where a column has more than 2 GiB.
    /// What Arrow has no value for is null, or fails (CRECHE_ARROW_STRICT): the infinities of date and
    /// timestamps (which are never a year), timestamps behind the year 294247, NaN and infinities of a
    /// decimal. A number with more digits than its decimal holds always fails: nothing is rounded.
    /// Returns CRECHE_OK; CRECHE_E_LIMIT (creche_last_error() names row and column), CRECHE_E_INVALID (rows is
    /// no block, schema or array is NULL, unknown flags, a precision or scale that is none),
    /// CRECHE_E_NO_MEMORY; after a failure both have no release. Since 0.1.
    pub fn creche_rows_to_arrow(rows: *const creche_row_block, flags: u32, schema: *mut ArrowSchema, array: *mut ArrowArray) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_batch_options_init(options: *mut creche_batch_options, size: usize) -> creche_status;

    /// Runs several statements, all sent at once: one round trip, in their order, on one connection of the
    /// pool's. Without CRECHE_BATCH_SEPARATE they are all or nothing, as one transaction: the first that fails
    /// undoes those before it, and those behind it are not executed. Statements that begin or end transactions,
    /// CALL and DO (they may commit) are CRECHE_E_INVALID there. With CRECHE_BATCH_SEPARATE each has a
    /// transaction of its own, all are executed, and BEGIN, COMMIT and the like do what they say. items: copied.
    /// None of them is prepared by name. What types of your own are, and the text of what only the server can
    /// print, is asked behind the batch, as for creche_pool_query. A column without a binary form (42883): what is
    /// all or nothing, and in a transaction of its own, is run once more, asking for text.
    /// The completion: data: const creche_batch_result *, one for each, in order (data_size bytes); value:
    /// CRECHE_OWNED, to be given up by creche_value_release when results and rows are not needed any more; code:
    /// the number of the first that is not done well (count: all are). Its status is the error of that one:
    /// CRECHE_OK says that all is done. data is there with a failure, too, unless the batch never began (data is
    /// NULL then: a value that cannot be sent, which fails before anything is; no connection), or was cancelled
    /// and is all or nothing. Failures as creche_pool_query. Cancelled: what runs is cancelled on the server; with
    /// CRECHE_BATCH_SEPARATE what stands behind it may be done all the same, and data says so.
    /// Returns CRECHE_OK; CRECHE_E_INVALID (items, or the sql of one, is NULL; more than 65536), or as
    /// creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_pool_batch(pool: creche_pool, in_: creche_scope, items: *const creche_batch_item, count: usize, options: *const creche_batch_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// The same on this connection. In a transaction they are statements of it: one that fails fails it, and
    /// those behind it (25P02). Since 0.1.
    #[must_use]
    pub fn creche_connection_batch(connection: creche_connection, in_: creche_scope, items: *const creche_batch_item, count: usize, options: *const creche_batch_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Has the server parse a statement, and say what it takes and returns, without running it. As it is now:
    /// nothing is remembered of an earlier time, and changes of the schema show at once. args: their types count,
    /// not their values (creche_null: the server infers it); may be NULL with args_count 0: all are inferred.
    /// options: its task counts.
    /// The completion: data: const creche_description *, value: CRECHE_OWNED, to be given up by
    /// creche_value_release.
    /// Failures as creche_pool_query. Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_pool_describe(pool: creche_pool, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// The same on this connection: with its search_path, its temporary tables, its open transaction. Since 0.1.
    #[must_use]
    pub fn creche_connection_describe(connection: creche_connection, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_copy_options_init(options: *mut creche_copy_options, size: usize) -> creche_status;

    /// Runs COPY ... TO STDOUT and delivers its bytes as they come: completions with kind CRECHE_CHUNK and
    /// CRECHE_MORE, data and data_size: the bytes, which may begin and end anywhere in a line; value:
    /// CRECHE_OWNED, to be given up by creche_value_release (or creche_rows_release) when the bytes are not
    /// needed any more. At the end CRECHE_DONE, code: rows (at most UINT32_MAX), value: the same as 64 bits,
    /// not owned. Bounded: with `chunks` of them unreleased the server is held back. The connection is its
    /// own while it runs. sql: one COPY; copied; it has no parameters.
    /// Failures come in the completion, behind the bytes that came before: CRECHE_E_INVALID (it is no COPY,
    /// more than one statement, a COPY FROM STDIN), and those of creche_pool_query. Cancelled: the COPY is
    /// cancelled on the server, and what was on its way is thrown away; the connection stays usable.
    /// Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_pool_copy_out(pool: creche_pool, in_: creche_scope, sql: *const c_char, options: *const creche_copy_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// The same on this connection; what is started after it waits for its end. Since 0.1.
    #[must_use]
    pub fn creche_connection_copy_out(connection: creche_connection, in_: creche_scope, sql: *const c_char, options: *const creche_copy_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Runs COPY ... FROM STDIN with bytes that you are asked for: completions with kind CRECHE_PULL and
    /// CRECHE_MORE go where its completion goes (a function or a queue; value: about how many bytes fit at
    /// once), each to be answered once by creche_task_answer: bytes, which may begin and end anywhere, and
    /// CRECHE_MORE in its flags if others follow. The next is asked for when these have been sent, so what
    /// is kept is one piece, however much there is. A status other than CRECHE_OK there ends the COPY, of which
    /// nothing stays: CRECHE_E_BODY.
    /// At the end CRECHE_DONE, code: rows (at most UINT32_MAX), value: the same as 64 bits, not owned. The
    /// COPY is all or nothing, unless it is in a transaction of yours, which then has failed.
    /// An error of the server (a row that does not fit) comes as soon as the server says it, whatever is
    /// still to be pulled: nothing more is asked for, and an answer that was on its way is CRECHE_E_STATE or
    /// CRECHE_E_ENDED, or is thrown away. After it, after CRECHE_E_BODY and after a cancellation (the server
    /// is told by CopyFail, and asked to cancel if that is not enough) the connection is as usable as
    /// before. A COPY from which anything was pulled is never run again.
    /// Failures as creche_pool_copy_out; CRECHE_E_INVALID for a COPY TO STDOUT.
    /// Returns CRECHE_OK; CRECHE_E_INVALID (creche_to_group or creche_nobody, who cannot be asked), or as
    /// creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_pool_copy_in(pool: creche_pool, in_: creche_scope, sql: *const c_char, options: *const creche_copy_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// The same on this connection; what is started after it waits for its end. Since 0.1.
    #[must_use]
    pub fn creche_connection_copy_in(connection: creche_connection, in_: creche_scope, sql: *const c_char, options: *const creche_copy_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Runs COPY ... FROM STDIN with rows of values, each brought into the form of its column: in COPY's binary
    /// format, if all columns are of types that values have a form for here: the integers, bool, oid, floats,
    /// numeric, text, varchar, char(n), name, json, jsonb, jsonpath, bytea, uuid, date, timestamp, timestamptz,
    /// enums, citext, ltree, and domains over them; with a column of another type (an array, inet, interval, a row
    /// of a table ...) all goes in the text format, as creche_values_to_copy writes it, and the server reads it.
    /// sql: COPY table [(columns)] FROM STDIN [WITH (FREEZE)] [WHERE ...]; no other options: the format is decided
    /// here. Rows are asked for as creche_pool_copy_in asks for bytes: each CRECHE_PULL is answered by
    /// bytes of creche_values_to_rows, which may begin and end anywhere in a row. The server is asked for the
    /// columns each time, one round trip more, and again together with the COPY, whose transaction holds a lock
    /// on the table from then on: no row is ever sent as the type that a column had before.
    /// In the binary format a value must fit its column without loss: integers any integer type, float or numeric
    /// that can hold them, floats another float or numeric; dates and times only their own type. Text is taken for
    /// text, enums and JSON as it is, and read for the others as PostgreSQL prints them: numbers, true and false,
    /// uuid, \x of bytea, ISO 8601 (a timestamptz with its zone, as what it is without one is the session's);
    /// bytes in binary form must be of the column's type, or as good. What does not fit, and a row with another
    /// number of values, is CRECHE_E_TYPE or CRECHE_E_INVALID; the message names row and column (from 0 on), the
    /// column's name and type; nothing of the COPY stays, and the connection is as usable as before, but a
    /// transaction of yours has failed. The rest as creche_pool_copy_in.
    /// Failures as there, and CRECHE_E_INVALID: generated columns, and no list of the others.
    /// Returns CRECHE_OK, or as creche_pool_copy_in does. Since 0.1.
    #[must_use]
    pub fn creche_pool_copy_rows(pool: creche_pool, in_: creche_scope, sql: *const c_char, options: *const creche_copy_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// The same on this connection; what is started after it waits for its end. Since 0.1.
    #[must_use]
    pub fn creche_connection_copy_rows(connection: creche_connection, in_: creche_scope, sql: *const c_char, options: *const creche_copy_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Writes rows of values as COPY reads them in its text format (which it has if the statement says no other):
    /// what creche_task_answer takes for a CRECHE_PULL of creche_pool_copy_in. values: rows * columns of them, row
    /// after row, used up by the call. Each may have any type and form that fits the column's text: an int8 for a
    /// numeric, text for anything; NULL is one. Numbers, times, bytes, arrays and all else that is built in are
    /// written without loss, whatever DateStyle the session has; of a type of your own give the text. What does
    /// not fit its column is the server's error. write is called with pieces of about 64 KiB; they end anywhere
    /// in a row. No rows: nothing is written. Any thread.
    /// Returns CRECHE_OK; CRECHE_E_CANCELLED (write stopped it); CRECHE_E_INVALID (values or write is NULL, columns
    /// is 0, a value that none is), CRECHE_E_TYPE (a form that does not fit its type, or of which the text is not
    /// known): creche_last_error() names row and column, from 0 on, and write has had what stood before;
    /// CRECHE_E_NO_MEMORY. Since 0.1.
    pub fn creche_values_to_copy(values: *const creche_value, columns: usize, rows: usize, write: creche_text_fn, user: *mut c_void) -> creche_status;

    /// The same as creche_pool_execute_rows and creche_pool_copy_rows take them. They are bytes for this process
    /// only. Of a value that cannot be sent that tells; here all forms are taken. Returns CRECHE_OK,
    /// CRECHE_E_CANCELLED, CRECHE_E_INVALID (values or write is NULL), CRECHE_E_NO_MEMORY. Since 0.1.
    pub fn creche_values_to_rows(values: *const creche_value, columns: usize, rows: usize, write: creche_text_fn, user: *mut c_void) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_cursor_options_init(options: *mut creche_cursor_options, size: usize) -> creche_status;

    /// Opens a cursor for a SELECT or VALUES on this connection, inside of a transaction (or CRECHE_CURSOR_HOLD;
    /// else CRECHE_E_PG, 25P01). name: as it is, without quotes: 1 to 63 bytes, its own in the session; copied.
    /// sql, args: as creche_connection_query. Nothing of the result is made or sent before it is fetched, but for
    /// what the server needs to know the first row. It is gone at the end of the transaction, and of the
    /// savepoint it was opened in if that is rolled back. Cursors that statements of your own have declared are
    /// as good.
    /// The completion is that of creche_connection_query, without rows. Steps may be started one behind another
    /// without waiting: fetching the next rows before you look at those that came is prefetching.
    /// Returns CRECHE_OK; CRECHE_E_INVALID (a name that is none), or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_cursor_open(connection: creche_connection, in_: creche_scope, name: *const c_char, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_cursor_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Takes the next `rows` rows, or if that is negative, goes back so many and takes them in that order
    /// (CRECHE_CURSOR_SCROLL). The completion is that of creche_connection_query, its rows yours to release:
    /// fewer than asked for are the end, from where on there are none. Cancelled, it is cancelled on the server: that fails the
    /// transaction, and so ends the cursor; one with CRECHE_CURSOR_HOLD outside of a transaction cannot be
    /// fetched from any more either. CRECHE_E_PG with 34000: there is no such cursor.
    /// Returns CRECHE_OK; CRECHE_E_INVALID (the name, or rows is 0), or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_cursor_fetch(connection: creche_connection, in_: creche_scope, name: *const c_char, rows: i64, options: *const creche_cursor_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Passes over rows without taking them; code of the completion: how many there were. The rest as
    /// creche_cursor_fetch. Since 0.1.
    #[must_use]
    pub fn creche_cursor_move(connection: creche_connection, in_: creche_scope, name: *const c_char, rows: i64, options: *const creche_cursor_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Closes it, so that what it holds on the server is free. CRECHE_E_PG with 34000 if there is none (which
    /// fails an open transaction, as any error). The rest as creche_cursor_fetch. Since 0.1.
    #[must_use]
    pub fn creche_cursor_close(connection: creche_connection, in_: creche_scope, name: *const c_char, options: *const creche_cursor_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_listen_options_init(options: *mut creche_listen_options, size: usize) -> creche_status;

    /// Listens on `count` channels, on a connection of its own (one of the pool's max_size), until it is
    /// cancelled or the pool is closed. channels: their names as they are, without quotes: 1 to 63 bytes each;
    /// copied. Completions with kind CRECHE_NOTIFY and CRECHE_MORE: data: const creche_notification *, value:
    /// CRECHE_OWNED, to be given up by creche_value_release. The first one is CRECHE_LISTEN_STARTED.
    /// When the connection is lost (the server restarts, another one takes over, nothing is heard of it for a
    /// heartbeat) another one is made, as often as it takes, later and later up to 2 s, and listens:
    /// CRECHE_LISTEN_GAP. Only a first attempt fails, with the errors of creche_pool_query.
    /// The end is CRECHE_E_CANCELLED, CRECHE_E_CLOSED (the pool was closed) or that failure; its connection is closed.
    /// Returns CRECHE_OK; CRECHE_E_INVALID (no channel, or a name that is none), or as creche_task_spawn does.
    /// Since 0.1.
    #[must_use]
    pub fn creche_pool_listen(pool: creche_pool, in_: creche_scope, channels: *const *const c_char, count: usize, options: *const creche_listen_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_pool_calls_init(calls: *mut creche_pool_calls, size: usize) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_pool_options_init(options: *mut creche_pool_options, size: usize) -> creche_status;

    /// Opens a pool on a loop. dsn: a PostgreSQL URI or key=value string; copied; NULL: the environment
    /// (PGHOST, ...). Opens initial_size, or min_size, connections in the background; a DSN that does not
    /// parse, or a server that cannot be reached, fails the operations (CRECHE_E_INVALID with CRECHE_PHASE_OPTIONS: the DSN, or
    /// a port in it that is no number from 1 to 65535). No message has a password. If the DSN may have a slip
    /// of the pen, so that a part of a password could stand where a host or a user is read (an "@" too many,
    /// say), none quotes anything of it, but says what is odd; a value that is none is not quoted either.
    /// Connecting: the hosts of the DSN and the addresses of each name are tried in turn (in random order
    /// with load_balance_hosts=random, whichever libpq there is; with one before 16 not in a service file); each has its share of what is left of
    /// connect_timeout, the DSN's own connect_timeout at the most, and the address that was connected to last
    /// goes first. As with libpq a server that refuses (a wrong password, no such database) ends the attempt,
    /// and no other is tried; one that is full, starting, or of another kind than target_session_attrs asks
    /// for is passed over. Nothing of it holds up the loop; a server that asks for more than 1,000,000
    /// iterations of SCRAM's key derivation is refused: CRECHE_E_LIMIT. If all have failed, what is told is the
    /// failure of the one that got furthest: a server that has no TLS, not an address at which nobody is.
    /// A failed attempt fails the operations that wait if no connection is open and none is under way; if the
    /// server is only full or starting (53300, 57P03), they wait for further attempts until acquire_timeout.
    /// After a failed attempt the next comes 10 ms later, and twice as late with each failure, up to 2 s.
    /// With target_session_attrs a connection whose server changes its role (it says so, or fails a write
    /// with 25006) is closed, and a statement that failed so in a transaction of its own is run on another.
    /// Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED (options), CRECHE_E_CLOSED,
    /// CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_pool_open(loop_: creche_loop, dsn: *const c_char, options: *const creche_pool_options, pool: *mut creche_pool) -> creche_status;

    /// Closes a pool: operations end with CRECHE_E_CLOSED, running statements are cancelled on the server,
    /// bodies of transactions are told (CRECHE_CANCEL with CRECHE_REASON_SHUTDOWN; what they have not
    /// committed is rolled back) and awaited, and so is the answer to a COMMIT that has been sent;
    /// connections are closed; then comes the last completion (kind CRECHE_DONE, task {0}, value: the
    /// pool's id, not owned), after the return of all callbacks: to done; for NULL to the queue of the
    /// pool's options, if it has one; creche_nobody: nobody is told. Idempotent: each call gets a
    /// completion. Returns CRECHE_OK; CRECHE_E_INVALID (creche_to_group); CRECHE_E_CLOSED (that queue is
    /// closed) or CRECHE_E_ENDED (the loop has ended) if nobody could be told: then nothing happens;
    /// CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_pool_close(pool: creche_pool, done: creche_done_fn, user: *mut c_void) -> creche_status;

    /// Closes without a completion and gives up the handle. Since 0.1.
    pub fn creche_pool_release(pool: creche_pool);

    /// Changes how many connections a pool has, while it is used. Those over max_size are closed: idle ones at
    /// once, others when they have nothing to do; those that lack for min_size are opened. The last call counts.
    /// Returns CRECHE_OK; CRECHE_E_INVALID (max_size is 0 or more than 65536, min_size is bigger);
    /// CRECHE_E_CLOSED, the handle errors. Since 0.1.
    pub fn creche_pool_resize(pool: creche_pool, min_size: u32, max_size: u32) -> creche_status;

    /// None of the connections that are open, or on their way, is given out again: idle ones are closed at
    /// once, others when what runs on them has ended or when they are given back. Who comes gets new ones, by
    /// the addresses that names have then, which know nothing of old types. After a failover, a change of the schema or of the server's settings. Returns CRECHE_OK, CRECHE_E_CLOSED, the
    /// handle errors. Since 0.1.
    pub fn creche_pool_expire(pool: creche_pool) -> creche_status;

    /// Fills the first `size` bytes of *counters. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
    /// Since 0.1.
    pub fn creche_pool_get_counters(pool: creche_pool, counters: *mut creche_pool_counters, size: usize) -> creche_status;

    /// Fills the first `size` bytes of *timings. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
    /// Since 0.1.
    pub fn creche_pool_get_timings(pool: creche_pool, timings: *mut creche_pool_timings, size: usize) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_query_options_init(options: *mut creche_query_options, size: usize) -> creche_status;

    /// Runs one statement on a connection of the pool's choice, pipelined among others where that is safe;
    /// nothing is checked out. While three or more are in flight on a connection that several share, more than
    /// wait for it here, and the server is slow to answer, those wait until answers have come, and go out in
    /// one send; what is cancelled by then never reaches the server. sql: one statement; copied. args:
    /// args_count values for $1, $2, ...; copied.
    /// The completion: value: creche_rows, CRECHE_OWNED; data: its const creche_row_block *; code: rows
    /// affected (at most UINT32_MAX; the block has all of it). An error in the SQL fails in the completion.
    /// Failures: CRECHE_E_PG (with sqlstate and the server's fields), _CONNECT, _DNS, _TLS, _TLS_VERIFY,
    /// _DISCONNECTED, _PROTOCOL, _TIMEOUT, _CANCELLED, _CLOSED, _LIMIT, _INVALID (a value, the DSN), _TYPE
    /// (a value's form does not fit its type), _UNSUPPORTED (COPY: creche/copy.h), _NO_MEMORY. Cancelled: a running query is
    /// cancelled on the server and the connection stays usable; other callers' statements are untouched.
    /// Prepared statements are kept from the second run on, on each connection; nothing of them is taken
    /// on trust: a name is used when the server has confirmed it (until then the text is sent). Behind a
    /// pooler (told by the process that answers) results are described each time. After an error of class
    /// 22, 42, XX, 0A or 26, or 08P01, the statement is forgotten, and if it had run in a transaction of
    /// its own, so that nothing is left of it, it is prepared anew and run once more before you hear of
    /// the error. The server never looks again at the types that it has inferred for CRECHE_PG_UNKNOWN
    /// parameters, and would silently read text as the type that a column had before. So a kept statement
    /// lives for statement_lifetime at the most, and runs only with NULL and with text that comes out of the
    /// inferred type as it went in: of int2, int4, int8, numeric: an integer without a plus sign, blanks and
    /// leading zeros; of oid the same, up to 9 digits; "true", "false"; a uuid in lower case with dashes;
    /// all of text, varchar, json; arrays of integers, and of text of letters, digits and _-.:@ ({1,2}, no
    /// blanks or quotes); of a type of your own a word of letters and _, as enums have; but for text, varchar
    /// and json no more than 64 KiB of each. With any other text, and always if a parameter is of another type
    /// (date, time, float8, jsonb, bytea, ...), the statement is parsed anew (declare the type, and it is
    /// kept). Columns whose types have no binary form are asked for as text (creche_row_column.text): the
    /// server tells by failing with 42883, so the first run of such a statement takes two. In a transaction, or
    /// in a batch on a connection, it could not be run again: so what names a type, table or function of yours
    /// that has such values, or reads the catalog (pg_, acl), is described before its first run there, and so is
    /// each stream. Which names these are is asked with the first statement in a transaction, once for a pool,
    /// again behind CREATE of a type or of what names one of these, behind ALTER, and every statement_lifetime;
    /// what it does not see (another session's CREATE since, anonymous rows, FETCH) fails there, and is asked
    /// for as text from then on. What a type of your own is, and the text of what only the server can print
    /// (creche_row_format), is asked behind the first result that has it: one more statement for each, once;
    /// and again on another server, when a value has other fields than its type had, behind an ALTER of this
    /// pool's, and every statement_lifetime. In a transaction nothing that was prepared before is used behind a
    /// statement of it, or of this session, that may change what names stand for (CREATE, ALTER, DROP, DO, CALL,
    /// what sets search_path or a role), or behind an ALTER of this pool's: so it does not fail for being outdated
    /// (0A000), unless somebody else has changed its tables.
    /// Before an idle connection is used it is looked at; a statement that a dying
    /// server has not begun goes to another connection.
    /// Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_pool_query(pool: creche_pool, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_query_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Runs one statement and delivers its rows as they come: completions with kind CRECHE_ROWS and
    /// CRECHE_MORE, value: creche_rows, CRECHE_OWNED, data: the block; at the end CRECHE_DONE with code as
    /// above. A result without rows has no block, and so nothing tells its columns. The first time it is asked
    /// for its columns before it runs: one round trip more. Bounded: with `blocks`
    /// of them unreleased the server is held back. The connection is its own while it runs. The rest as
    /// creche_pool_query. Since 0.1.
    #[must_use]
    pub fn creche_pool_stream(pool: creche_pool, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_query_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Runs one statement with many rows of parameters, all or nothing: as one transaction on a connection that
    /// is its own meanwhile, all in one round trip, sent piece by piece as the server takes it. args: args_count
    /// * rows values, row after row; copied. It stops at the first row that fails: nothing more is sent, and
    /// nothing stays of those before. For very many rows COPY (creche/copy.h) is quicker.
    /// The completion: value: rows affected by all together, as 64 bits, not owned; code: the same (at most
    /// UINT32_MAX); data: an int64_t for each row, how many rows it affected (-1: it does not say), data_size
    /// bytes of them. With CRECHE_QUERY_COLLECT value and data are as creche_pool_query has them: all rows that
    /// were returned, in order (max_bytes bounds them; as there, what was too big may have been done by then),
    /// affected as a whole; without, they are thrown away.
    /// After a failure value is the number of the row that failed, from 0 on (`rows`: the end of the transaction:
    /// a deferred constraint); a value that cannot be sent fails before anything is. Failures as
    /// creche_pool_query, and CRECHE_E_OUTCOME_UNKNOWN: the connection was lost when all had been sent.
    /// Statements that begin or end transactions, CALL and DO, which may commit in the middle, are
    /// CRECHE_E_INVALID, in the completion. options: CRECHE_QUERY_COLLECT, max_bytes, names and task. Returns
    /// CRECHE_OK, or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_pool_execute_many(pool: creche_pool, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, rows: usize, options: *const creche_query_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// The same with rows that you are asked for, so that there may be any number of them in little memory:
    /// completions with kind CRECHE_PULL and CRECHE_MORE go where its completion goes (a function or a queue;
    /// value: about how many bytes fit at once), each to be answered once by creche_task_answer: bytes of
    /// creche_values_to_rows, which may begin and end anywhere in a row, and CRECHE_MORE in its flags if others
    /// follow. The next are asked for when these have been sent. A status other than CRECHE_OK there ends it, and
    /// nothing stays of it: CRECHE_E_BODY; so does a value that cannot be sent, or bytes that are no rows
    /// (CRECHE_E_INVALID, CRECHE_E_TYPE). An error of the server comes as soon as the server says it, whatever is
    /// still to be pulled. The completion has no data, but with CRECHE_QUERY_COLLECT; after a failure value is
    /// the number of the row, as above. It is never run again once it has asked. options: as above, without
    /// names. Returns CRECHE_OK; CRECHE_E_INVALID (creche_to_group or creche_nobody, who cannot be asked; names),
    /// or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_pool_execute_rows(pool: creche_pool, in_: creche_scope, sql: *const c_char, options: *const creche_query_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Acquires a connection: value: a creche_connection, CRECHE_OWNED: a lease of the nearest task or
    /// group around `in` (or the loop), which holds it open. options->timeout, if sooner, replaces the
    /// pool's acquire_timeout. Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_pool_acquire(pool: creche_pool, in_: creche_scope, options: *const creche_task_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Hands a connection to another owner: the task, group or loop nearest to `to`, which it holds open
    /// from now on; its former owner is free to end. Statements in flight on it go on where they are.
    /// Returns CRECHE_OK; CRECHE_E_STATE (it belongs to creche_pool_transaction, or to a body of the pool's; `to` is a library operation),
    /// CRECHE_E_ENDED (it was given back with its owner), CRECHE_E_CLOSED (`to` takes no more work, the pool
    /// is closed), CRECHE_E_WRONG_LOOP, the handle errors of both; then nothing has changed. Since 0.1.
    pub fn creche_connection_move(connection: creche_connection, to: creche_scope) -> creche_status;

    /// Gives a connection back: statements in flight finish first, an open transaction is rolled back, the
    /// session is reset (creche_pool_options.reset). Since 0.1.
    pub fn creche_connection_release(connection: creche_connection);

    /// Has a connection closed when it is given back, instead of kept for the next one: whoever has it knows of
    /// something that the server does not tell. What runs on it goes on. Returns CRECHE_OK, the handle errors.
    /// Since 0.1.
    pub fn creche_connection_expire(connection: creche_connection) -> creche_status;

    /// Runs a statement on this connection. Started while others are in flight, it is pipelined behind
    /// them, unless they are known to take long. Outside of a transaction two at the most are in flight: so
    /// what a late cancel of the first hits can be run again in its order (many at once belong into a
    /// transaction, or on the pool, where the order is nobody's). What another session has changed meanwhile
    /// (0A000, 26000) is not healed if one was in flight behind it. The rest as creche_pool_query. Passes its group's limit. Since 0.1.
    #[must_use]
    pub fn creche_connection_query(connection: creche_connection, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_query_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// The same as creche_pool_execute_many on this connection; what is started after it waits for its end. In a
    /// transaction it is a part of that: it is not committed with it, and if it fails, so does the transaction.
    /// Since 0.1.
    #[must_use]
    pub fn creche_connection_execute_many(connection: creche_connection, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, rows: usize, options: *const creche_query_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// The same as creche_pool_execute_rows on this connection; as creche_connection_execute_many is to
    /// creche_pool_execute_many. Since 0.1.
    #[must_use]
    pub fn creche_connection_execute_rows(connection: creche_connection, in_: creche_scope, sql: *const c_char, options: *const creche_query_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Streams a statement's rows on this connection, as creche_pool_stream does; what is started after it
    /// waits for its end. Since 0.1.
    #[must_use]
    pub fn creche_connection_stream(connection: creche_connection, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_query_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Runs several statements separated by semicolons, without parameters, as one implicit transaction
    /// unless they say otherwise. The completion has no rows; code: rows affected by the last. COPY from
    /// STDIN or to STDOUT in it: CRECHE_E_UNSUPPORTED, and nothing of it is done (creche/copy.h). The rest as
    /// creche_pool_query. Since 0.1.
    #[must_use]
    pub fn creche_connection_script(connection: creche_connection, in_: creche_scope, sql: *const c_char, options: *const creche_query_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_transaction_options_init(options: *mut creche_transaction_options, size: usize) -> creche_status;

    /// Runs body in a transaction on a connection of its own. body gets CRECHE_BEGIN like a user task's,
    /// with the body's task in `task` and the connection in `value` (not owned: it is given back at the
    /// end), starts its statements in task.scope and ends with creche_task_finish(task, ...). After
    /// CRECHE_OK the commit runs under a shield, so that no cancellation from outside can cut it; after
    /// anything else, or a cancellation, it rolls back. The completion comes last: CRECHE_OK with the
    /// body's value after the commit; the body's failure; CRECHE_E_PG (the commit failed),
    /// CRECHE_E_ROLLED_BACK (COMMIT was answered by ROLLBACK: a statement had failed or was cut),
    /// CRECHE_E_OUTCOME_UNKNOWN (its answer never came, or does not tell: 08007, 40003), CRECHE_E_STATE (a
    /// statement of the body, such as ROLLBACK, had ended the transaction before), CRECHE_E_CLOSED, those
    /// of creche_pool_query. A timeout of options->task bounds all of it but the COMMIT that has begun: the
    /// body is told (CRECHE_CANCEL), it rolls back (a wait for a retry is over at once), and the completion is CRECHE_E_TIMEOUT, or with
    /// CRECHE_MOVE_ON CRECHE_E_CANCELLED with CRECHE_CAUGHT. Returns CRECHE_OK, or as creche_task_spawn
    /// does. Since 0.1.
    #[must_use]
    pub fn creche_pool_transaction(pool: creche_pool, in_: creche_scope, body: creche_done_fn, body_user: *mut c_void, options: *const creche_transaction_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// The steps of a transaction as single calls, for languages whose body is a function of their own.
    /// Inside a transaction begin makes a savepoint; commit and rollback end the innermost. A savepoint is
    /// as its transaction: one that asks for an isolation level, for read-only or any other mode that the
    /// outermost begin (or creche_pool_transaction) did not ask for fails with CRECHE_E_STATE, also where
    /// that has them from its session, or was begun by a statement of yours: ask for them there. Commit and
    /// rollback run under a shield of their own, bounded by commit_timeout: they cannot be cancelled.
    /// Giving the connection back without a commit rolls back. Completions: no rows; commit fails as
    /// creche_pool_transaction does, with phase CRECHE_PHASE_COMMIT, rollback with CRECHE_PHASE_ROLLBACK.
    /// commit and rollback fail with CRECHE_E_STATE if no transaction is open, or if it is that of
    /// creche_pool_transaction, which its body ends. A commit that fails has ended the transaction, but not
    /// a savepoint. Return CRECHE_OK, or as creche_task_spawn does. Since 0.1.
    #[must_use]
    pub fn creche_connection_begin(connection: creche_connection, in_: creche_scope, options: *const creche_transaction_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    #[must_use]
    pub fn creche_connection_commit(connection: creche_connection, in_: creche_scope, options: *const creche_transaction_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    #[must_use]
    pub fn creche_connection_rollback(connection: creche_connection, in_: creche_scope, options: *const creche_transaction_options, done: creche_done_fn, user: *mut c_void, task: *mut creche_task) -> creche_status;

    /// The loop of the process that the calls below run on, with a thread of its own, and whatever else you
    /// open on it, such as pools. Opened by the first call that needs it. After fork() the child has another
    /// one. A process may end without closing it. Returns CRECHE_OK; CRECHE_E_INVALID (loop is NULL),
    /// CRECHE_E_SYSTEM (no descriptor or thread), CRECHE_E_NO_MEMORY. Since 0.1.
    pub fn creche_default_loop(loop_: *mut creche_loop) -> creche_status;

    /// [not on a loop] Closes the default loop with all that is on it and waits for its end: as
    /// creche_loop_close and creche_loop_join. Calls of other threads that are on it end with
    /// CRECHE_E_CANCELLED; until it has ended, new ones are CRECHE_E_CLOSED; after that they open another.
    /// timeout: nanoseconds from the call. Returns CRECHE_OK, also if there is none; CRECHE_E_TIMEOUT,
    /// CRECHE_E_INTERRUPTED (call again); CRECHE_E_STATE (another thread waits for it); CRECHE_E_INVALID
    /// (negative), CRECHE_E_WOULD_DEADLOCK, CRECHE_E_SYSTEM. Since 0.1.
    #[must_use]
    pub fn creche_default_close(timeout: i64) -> creche_status;

    /// [not on a loop] Fetches a URL whole, as creche_session_fetch does, by a session of the default loop
    /// that has the defaults and keeps its connections. options: may be NULL. A body that is pulled is
    /// CRECHE_E_INVALID: nobody could be asked. Returns CRECHE_OK with *response; the failures of
    /// creche_session_fetch and what it returns itself; CRECHE_E_SYSTEM, CRECHE_E_NO_MEMORY (the default
    /// loop), CRECHE_E_WOULD_DEADLOCK. Since 0.1.
    #[must_use]
    pub fn creche_fetch(url: *const c_char, options: *const creche_request_options, response: *mut creche_response) -> creche_status;

    /// [not on a loop] The same by a session of yours, on whatever loop. in: where it is started, so that
    /// cancelling that stops it; {0}: nowhere but in the session's loop. Since 0.1.
    #[must_use]
    pub fn creche_fetch_in(session: creche_session, in_: creche_scope, url: *const c_char, options: *const creche_request_options, response: *mut creche_response) -> creche_status;

    /// [not on a loop] Runs a statement on a pool, as creche_pool_query does. The pool is on any loop:
    /// creche_default_loop(&loop) has one for it. Returns CRECHE_OK with *rows; the failures of
    /// creche_pool_query and what it returns itself; CRECHE_E_INVALID (rows is NULL),
    /// CRECHE_E_WOULD_DEADLOCK. Since 0.1.
    #[must_use]
    pub fn creche_query(pool: creche_pool, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_query_options, rows: *mut creche_rows) -> creche_status;

    /// [not on a loop] The same where its rows are not wanted: *affected (may be NULL) is how many it has
    /// changed or returned, -1 if it does not say. Returns as creche_query does. Since 0.1.
    #[must_use]
    pub fn creche_execute(pool: creche_pool, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_query_options, affected: *mut i64) -> creche_status;

    /// [not on a loop] The same two, started in `in`, as with creche_fetch_in. Since 0.1.
    #[must_use]
    pub fn creche_query_in(pool: creche_pool, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_query_options, rows: *mut creche_rows) -> creche_status;

    #[must_use]
    pub fn creche_execute_in(pool: creche_pool, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_query_options, affected: *mut i64) -> creche_status;

    /// [not on a loop] Runs several statements, separated by semicolons, as creche_connection_script does on
    /// a connection of its own: all or nothing, unless they say otherwise. A time in options->task counts for
    /// the wait for the connection, and again for the script. Returns CRECHE_OK, the failures of
    /// creche_pool_acquire and creche_connection_script and what they return. Since 0.1.
    #[must_use]
    pub fn creche_script(pool: creche_pool, sql: *const c_char, options: *const creche_query_options) -> creche_status;

    /// [not on a loop] Begins a transaction on a connection of its own, as creche_pool_acquire and
    /// creche_connection_begin do; in: {0}: the pool's loop. The connection is a lease of the task, group or
    /// loop nearest to `in`. creche_commit ends it; creche_connection_release rolls it back. A time in
    /// options->task counts for the wait for the connection, and again for the begin. Returns CRECHE_OK with
    /// *connection; the failures of the two and what they return; CRECHE_E_INVALID (connection is NULL).
    /// Since 0.1.
    #[must_use]
    pub fn creche_begin(pool: creche_pool, in_: creche_scope, options: *const creche_transaction_options, connection: *mut creche_connection) -> creche_status;

    /// [not on a loop] creche_query and creche_execute on a connection, as creche_connection_query does it;
    /// in: as with creche_begin. Since 0.1.
    #[must_use]
    pub fn creche_query_on(connection: creche_connection, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_query_options, rows: *mut creche_rows) -> creche_status;

    #[must_use]
    pub fn creche_execute_on(connection: creche_connection, in_: creche_scope, sql: *const c_char, args: *const creche_value, args_count: usize, options: *const creche_query_options, affected: *mut i64) -> creche_status;

    /// [not on a loop] Commits, as creche_connection_commit does: shielded, so that no cancellation cuts it;
    /// and gives the connection back, whatever has come of it: only if the commit could not be started is it
    /// still yours (a bad handle, a loop's thread). options: may be NULL. Returns CRECHE_OK: it is committed;
    /// the failures of creche_connection_commit and what it returns. Since 0.1.
    #[must_use]
    pub fn creche_commit(connection: creche_connection, options: *const creche_transaction_options) -> creche_status;

    /// Writes what `count` loops, and all sessions and pools on them whose handles live, have now and did so
    /// far, to `buffer` as NUL-terminated text, truncated to `capacity` bytes; *size (may be NULL) gets the
    /// bytes that all of it needs with its NUL. buffer may be NULL for capacity 0.
    /// Names begin with creche_loop_, creche_group_, creche_http_ and creche_pg_; counters end in _total, times
    /// are seconds (_seconds), sizes bytes (_bytes); each has a HELP and a TYPE line, once, whatever the number
    /// of loops. What each counts is said by creche_loop_counters, creche_loop_lag, creche_session_counters and
    /// _timings, creche_pool_counters and _timings. Of groups that are open now: how many there are, the
    /// children in them, how many of these wait for a limit, and the age of the oldest.
    /// Labels: loop, session, pool, group: the names that you gave them (in the options of loops and groups; to
    /// sessions and pools by the functions below; "" for none), and nothing else that anybody gave: no URL, no
    /// host, no DSN. What has the same labels is added up: so give different names to what you want to see
    /// apart, and to sessions and pools that go while others stay, lest the sum of a counter goes down with them.
    /// A histogram's bounds are powers of 2, from a microsecond to a minute. Numbers are read while the loops
    /// run, and may be some events apart. Never waits for a loop: works while a callback blocks it. It looks at
    /// each group in the tree.
    /// Returns CRECHE_OK, CRECHE_E_LIMIT (truncated), CRECHE_E_UNSUPPORTED (format), CRECHE_E_INVALID (loops or
    /// buffer is NULL), CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_write_metrics(loops: *const creche_loop, count: usize, format: u32, buffer: *mut c_char, capacity: usize, size: *mut usize) -> creche_status;

    /// Names a session, or a pool, for its metrics, in place of a name that it had. name: copied; NULL: "". Returns
    /// CRECHE_OK, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1.
    pub fn creche_session_set_name(session: creche_session, name: *const c_char) -> creche_status;

    pub fn creche_pool_set_name(pool: creche_pool, name: *const c_char) -> creche_status;

    /// Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
    /// Since 0.1.
    pub fn creche_threads_options_init(options: *mut creche_threads_options, size: usize) -> creche_status;

    /// Says how threads are made from now on, in this process: stack_size and prefix count for each thread that is
    /// started after the call, workers for each loop that is opened after it. options: NULL for the defaults.
    /// Returns CRECHE_OK; CRECHE_E_INVALID (a stack_size that the system does not take: less than it needs, 16
    /// KiB and more; a prefix that is empty, or longer than 15 bytes), CRECHE_E_UNSUPPORTED. Since 0.1.
    pub fn creche_set_threads(options: *const creche_threads_options) -> creche_status;
}
