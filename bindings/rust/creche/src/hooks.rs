//! What a loop tells of itself as it happens: tasks that start and end, cancellations, callbacks that
//! block it, things that were forgotten.
use crate::log::Log;
use crate::scope::Scope;
use crate::status::{Reason, Status};
use crate::sync::lock;
use creche_sys as sys;
use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happened. New ones may be added.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct HookKind(pub u32);

/// What it happened to: one of C's `CRECHE_KIND_*`. New ones may be added.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NodeKind(pub u32);

macro_rules! numbers {
    ($type:ident { $($(#[$doc:meta])* $name:ident = $raw:ident,)* }) => {
        impl $type {
            $($(#[$doc])* pub const $name: $type = $type(sys::$raw as u32);)*
        }
    };
}

numbers!(HookKind {
    /// A task, group or scope was started or opened.
    SPAWNED = CRECHE_EVENT_SPAWNED,
    /// A task begins to run: no limit holds it back any more.
    STARTED = CRECHE_EVENT_STARTED,
    /// A task, group or scope has ended.
    ENDED = CRECHE_EVENT_ENDED,
    /// A scope (of any kind) was cancelled itself; not told for those below it.
    CANCELLED = CRECHE_EVENT_CANCELLED,
    /// A callback blocks the loop, or a task overstays the grace of its group.
    STALLED = CRECHE_EVENT_STALLED,
    /// The loop has ended, and this was never released, closed or left.
    LEAKED = CRECHE_EVENT_LEAKED,
});

numbers!(NodeKind {
    /// The loop itself.
    LOOP = CRECHE_KIND_LOOP,
    /// A bare scope.
    SCOPE = CRECHE_KIND_SCOPE,
    /// A group.
    GROUP = CRECHE_KIND_GROUP,
    /// An operation: a request, a query.
    OPERATION = CRECHE_KIND_OPERATION,
    /// A sleep.
    SLEEP = CRECHE_KIND_SLEEP,
    /// A task whose body runs elsewhere: those of this crate, children of groups among them.
    EXTERNAL = CRECHE_KIND_EXTERNAL,
    /// Work of a worker thread.
    OFFLOAD = CRECHE_KIND_OFFLOAD,
    /// A child that says when it is ready.
    START = CRECHE_KIND_START,
    /// A wait for a limiter, a rate, an event or a channel.
    WAIT = CRECHE_KIND_WAIT,
    /// A session.
    SESSION = CRECHE_KIND_SESSION,
    /// A response.
    RESPONSE = CRECHE_KIND_RESPONSE,
    /// A pool.
    POOL = CRECHE_KIND_POOL,
    /// A connection of a pool.
    CONNECTION = CRECHE_KIND_CONNECTION,
    /// Rows.
    ROWS = CRECHE_KIND_ROWS,
});

/// One event of a loop, for the time of the call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HookEvent<'a> {
    /// What happened.
    pub kind: HookKind,
    /// To what.
    pub node: NodeKind,
    /// Ended: how it ended.
    pub status: Status,
    /// Cancelled: why.
    pub reason: Reason,
    /// The number of what it is about, as in dumps; it may have ended. 0: it has none.
    pub id: u64,
    /// What it is in, if it is in something.
    pub parent: Option<Scope>,
    /// Cancelled: who did it.
    pub by: Option<Scope>,
    /// When, on the loop's clock.
    pub time: Duration,
    /// Ended, leaked: its age. Stalled: for how long at least, in real time.
    pub duration: Option<Duration>,
    /// Its name, "" without one.
    pub name: &'a str,
    /// Where it was started, "" if that was not said.
    pub site: &'a str,
    /// Cancelled: the text of an explicit one.
    pub text: &'a str,
}

type Tell = dyn Fn(&HookEvent<'_>) + Send + Sync;

/// A function of the user's, and what it wants to be told.
#[derive(Clone)]
struct Hook {
    kinds: u32,
    tell: Arc<Tell>,
}

/// What a loop's options say of telling: its hooks, and its log.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    all: Vec<Hook>,
    pub(crate) log: Option<Log>,
}

/// The same as C wants it, with a reference to them as the user of both.
pub(crate) struct InC {
    user: *mut c_void,
    pub(crate) hooks: Option<sys::creche_hooks>,
    pub(crate) log: Option<sys::creche_log>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hooks, {:?}", self.all.len(), self.log)
    }
}

impl Hooks {
    pub(crate) fn add(
        &mut self,
        kinds: &[HookKind],
        tell: impl Fn(&HookEvent<'_>) + Send + Sync + 'static,
    ) {
        let kinds = kinds.iter().filter(|kind| kind.0 < 32).fold(0, |all, kind| all | 1 << kind.0);
        self.all.push(Hook { kinds, tell: Arc::new(tell) });
    }

    /// None: there are none.
    pub(crate) fn into_c(self) -> Option<InC> {
        let all = self.all.iter().fold(0, |all, hook| all | hook.kinds);
        let level = self.log.as_ref().map(|log| log.level.0);
        if all == 0 && level.is_none() {
            return None;
        }
        let user = Arc::into_raw(Arc::new(self)).cast_mut().cast();
        let hook = |kind: HookKind| -> sys::creche_hook_fn {
            if all & 1 << kind.0 != 0 { Some(told) } else { None }
        };
        let hooks = sys::creche_hooks {
            size: size_of::<sys::creche_hooks>() as u32,
            flags: 0,
            user,
            spawned: hook(HookKind::SPAWNED),
            started: hook(HookKind::STARTED),
            ended: hook(HookKind::ENDED),
            cancelled: hook(HookKind::CANCELLED),
            stalled: hook(HookKind::STALLED),
            leaked: hook(HookKind::LEAKED),
        };
        let log = level.map(|level| sys::creche_log {
            size: size_of::<sys::creche_log>() as u32,
            flags: 0,
            level,
            reserved: 0,
            write: Some(wrote),
            user,
        });
        Some(InC { user, hooks: (all != 0).then_some(hooks), log })
    }
}

/// The users of loops that were opened, as addresses: theirs until the loop is joined.
static OPEN: Mutex<Vec<(sys::creche_loop, usize)>> = Mutex::new(Vec::new());

/// A loop has these hooks now, or was not opened with them.
pub(crate) fn opened(on: Option<sys::creche_loop>, hooks: &InC) {
    match on {
        Some(on) => lock(&OPEN).push((on, hooks.user as usize)),
        None => forget(hooks.user as usize),
    }
}

/// A loop was joined: no hook is called after that.
pub(crate) fn ended(on: sys::creche_loop) {
    let mut open = lock(&OPEN);
    let user = open.iter().position(|(other, _)| *other == on).map(|at| open.swap_remove(at).1);
    drop(open); // what is dropped now is the user's
    user.into_iter().for_each(forget);
}

fn forget(user: usize) {
    // SAFETY: from Arc::into_raw in into_c, given back once: its loop is over, or never was.
    drop(unsafe { Arc::from_raw(user as *const Hooks) });
}

unsafe extern "C" fn told(user: *mut c_void, event: *const sys::creche_trace_event) {
    // SAFETY: the event, its texts, and our hooks, which the loop holds, live until this returns.
    let (hooks, event) = unsafe { (&*user.cast::<Hooks>().cast_const(), &*event) };
    // SAFETY: as above; never NULL.
    let text = |at: *const c_char| unsafe { CStr::from_ptr(at) }.to_str().unwrap_or_default();
    let scope = |raw: sys::creche_scope| (raw.id != 0).then_some(Scope { raw, on: event.loop_ });
    let told = HookEvent {
        kind: HookKind(event.event),
        node: NodeKind(event.kind),
        status: Status(event.status),
        reason: Reason(event.reason),
        id: event.id,
        parent: scope(event.parent),
        by: scope(event.by),
        time: Duration::from_nanos(event.time.max(0) as u64),
        duration: u64::try_from(event.duration).ok().map(Duration::from_nanos),
        name: text(event.name),
        site: text(event.site),
        text: text(event.text),
    };
    for hook in hooks.all.iter().filter(|hook| hook.kinds & 1 << told.kind.0 != 0) {
        // A panic must not get into C.
        let _ = catch_unwind(AssertUnwindSafe(|| (hook.tell)(&told)));
    }
}

unsafe extern "C" fn wrote(user: *mut c_void, record: *const sys::creche_log_record) {
    // SAFETY: our hooks, which the loop holds, live until this returns.
    let hooks = unsafe { &*user.cast::<Hooks>().cast_const() };
    let Some(log) = &hooks.log else { return };
    // A panic must not get into C.
    // SAFETY: the record lives until this returns.
    let _ = catch_unwind(AssertUnwindSafe(|| unsafe { log.write(record) }));
}
