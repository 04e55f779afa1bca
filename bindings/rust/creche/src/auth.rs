//! Who requests are from.
use crate::error::Result;
use crate::sys_ext::c_text;
use crate::token::{Source, TokenAsk, asked};
use creche_sys as sys;
use std::fmt;
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// What servers are shown, at the origin of a request and nowhere else.
#[derive(Clone)]
pub struct Auth {
    schemes: u32,
    user: String,
    secret: String,
    source: Option<Arc<Source>>,
}

impl Auth {
    /// Basic: at once.
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Auth {
        Auth::new(sys::CRECHE_AUTH_BASIC, user.into(), password.into())
    }

    /// Digest: when it is asked for.
    pub fn digest(user: impl Into<String>, password: impl Into<String>) -> Auth {
        Auth::new(sys::CRECHE_AUTH_DIGEST, user.into(), password.into())
    }

    /// Digest or, where only that is asked for, Basic.
    pub fn any(user: impl Into<String>, password: impl Into<String>) -> Auth {
        let schemes = sys::CRECHE_AUTH_DIGEST | sys::CRECHE_AUTH_BASIC;
        Auth::new(schemes, user.into(), password.into())
    }

    /// A bearer's token: at once.
    pub fn bearer(token: impl Into<String>) -> Auth {
        Auth::new(sys::CRECHE_AUTH_BEARER, String::new(), token.into())
    }

    /// A bearer's tokens: `ask` is told, on the loop's thread, that one is needed, before the first
    /// request and where a 401 has answered the last one; it is given now or later, while requests that
    /// would show it wait together. Of a session: it is asked for as long as the session is there.
    pub fn bearer_from(ask: impl Fn(TokenAsk) + Send + Sync + 'static) -> Auth {
        let source = Some(Arc::new(Source::new(ask)));
        Auth { source, ..Auth::new(sys::CRECHE_AUTH_BEARER, String::new(), String::new()) }
    }

    fn new(schemes: u32, user: String, secret: String) -> Auth {
        Auth { schemes, user, secret, source: None }
    }

    /// As C wants it; NULL for none.
    pub(crate) fn with<R>(
        auth: Option<&Auth>,
        then: impl FnOnce(*const sys::creche_auth) -> R,
    ) -> Result<R> {
        let Some(auth) = auth else { return Ok(then(null())) };
        let (user, secret) = (c_text(&auth.user)?, c_text(&auth.secret)?);
        let bearer = auth.schemes == sys::CRECHE_AUTH_BEARER;
        let raw = sys::creche_auth {
            size: size_of::<sys::creche_auth>() as u32,
            schemes: auth.schemes,
            user: if bearer { null() } else { user.as_ptr() },
            password: if bearer { null() } else { secret.as_ptr() },
            token: if bearer && auth.source.is_none() { secret.as_ptr() } else { null() },
            refresh: None,
            refresh_user: auth.source.as_ref().map_or(null_mut(), |source| source.raw()),
            ask: auth.source.as_ref().map(|_| asked as _),
        };
        Ok(then(&raw))
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("schemes", &self.schemes).finish_non_exhaustive()
    }
}
