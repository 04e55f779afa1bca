//! Connections that are opened before they are needed.
use crate::pending::{Answer, Pending};
use crate::request::Request;
use creche_sys as sys;

/// How many connections were opened.
impl Answer for u32 {
    unsafe fn read(completion: &sys::creche_completion) -> crate::error::Result<u32> {
        Ok(completion.code)
    }
}

impl Request<'_> {
    /// Sends nothing, but opens connections to where it would go until there are `count`, those that are
    /// there counted, and keeps them idle for who comes. Says how many were opened.
    pub fn warm_up(self, count: u32) -> Pending<u32> {
        let (request, parts) = self.into_parts();
        let raw = request.session().raw;
        Pending::start(
            request.session().on,
            request.task(),
            |within, task_options, done, user, task| {
                // SAFETY: the options and what they point to live until the call returns; user until the
                // completion.
                request.in_c(&parts, task_options, |url, o| unsafe {
                    sys::creche_session_warm_up(raw, within, url, count, o, done, user, task)
                })
            },
        )
    }
}
