//! LISTEN: what others say by NOTIFY.
use crate::error::{Error, Result};
use crate::flow::{Flow, Flowing, Next};
use crate::options::TaskOptions;
use crate::pending::Answer;
use crate::scope::Scope;
use crate::status::Status;
use crate::sys_ext::{c_text, defaults};
use creche_sys as sys;
use std::ffi::{CStr, CString};
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

/// What a [`Listener`] hears.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// Somebody has said NOTIFY.
    Notification {
        /// Its name as it is.
        channel: String,
        /// What was said.
        payload: Vec<u8>,
        /// Of the server's process that said it.
        process: u32,
        /// Notifications thrown away before this one, because too many were not taken.
        dropped: u64,
    },
    /// From now on nothing is missed: comes first.
    Started,
    /// The connection was lost, and another one listens: what was said in between is lost.
    Gap,
}

impl Answer for Heard {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Heard> {
        // SAFETY: the completion's data is a notification, a view into its value, which is ours.
        unsafe {
            let heard = match completion.data.cast::<sys::creche_notification>().as_ref() {
                None => {
                    Err(Error::own(Status::INTERNAL, "an event without a notification".to_owned()))
                }
                Some(n) => Ok(match n.what {
                    sys::CRECHE_LISTEN_STARTED => Heard::Started,
                    sys::CRECHE_LISTEN_GAP => Heard::Gap,
                    _ => Heard::Notification {
                        channel: CStr::from_ptr(n.channel).to_string_lossy().into_owned(),
                        payload: std::slice::from_raw_parts(n.payload.cast(), n.payload_size)
                            .to_vec(),
                        process: n.process,
                        dropped: n.dropped,
                    },
                }),
            };
            sys::creche_value_release(completion.value);
            heard
        }
    }
}

impl Flowing for Heard {
    const KIND: u32 = sys::CRECHE_NOTIFY;
}

/// Hears what is said on some channels, on a connection of its own, which is made again when it is
/// lost. Dropping it ends that.
#[must_use = "dropping it ends the listening"]
pub struct Listener {
    flow: Flow<Heard>,
}

impl Listener {
    pub(crate) fn start(
        pool: sys::creche_pool,
        on: sys::creche_loop,
        channels: &[&str],
    ) -> Listener {
        let flow = Flow::start(on, &TaskOptions::new(), |within, options, done, user, task| {
            let names =
                channels.iter().map(|name| c_text(name)).collect::<Result<Vec<CString>>>()?;
            let names: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
            // SAFETY: plain options; they and the names live until the call returns; user lives until
            // the final completion.
            Ok(unsafe {
                let mut o = defaults(sys::creche_listen_options_init)?;
                o.task = options;
                let (data, count) = (names.as_ptr(), names.len());
                sys::creche_pool_listen(pool, within, data, count, &o, done, user, task)
            })
        });
        Listener { flow }
    }

    /// The operation's own scope.
    pub fn scope(&self) -> Scope {
        self.flow.scope()
    }

    /// What is said next; None after the end was told as an error.
    pub async fn next(&mut self) -> Result<Option<Heard>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same, for adapters to other streams.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Heard>>> {
        self.flow.poll_next(context).map_ok(|next| match next {
            Next::Item(heard) => Some(heard),
            Next::End(_) | Next::Over => None,
        })
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("scope", &self.scope()).finish_non_exhaustive()
    }
}
