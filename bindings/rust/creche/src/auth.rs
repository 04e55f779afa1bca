//! Who requests are from.
use crate::error::Result;
use crate::sys_ext::c_text;
use creche_sys as sys;
use std::fmt;
use std::ptr::{null, null_mut};

/// What servers are shown, at the origin of a request and nowhere else.
#[derive(Clone)]
pub struct Auth {
    schemes: u32,
    user: String,
    secret: String,
}

impl Auth {
    /// Basic: at once.
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Auth {
        Auth { schemes: sys::CRECHE_AUTH_BASIC, user: user.into(), secret: password.into() }
    }

    /// Digest: when it is asked for.
    pub fn digest(user: impl Into<String>, password: impl Into<String>) -> Auth {
        Auth { schemes: sys::CRECHE_AUTH_DIGEST, user: user.into(), secret: password.into() }
    }

    /// Digest or, where only that is asked for, Basic.
    pub fn any(user: impl Into<String>, password: impl Into<String>) -> Auth {
        let schemes = sys::CRECHE_AUTH_DIGEST | sys::CRECHE_AUTH_BASIC;
        Auth { schemes, user: user.into(), secret: password.into() }
    }

    /// A bearer's token: at once.
    pub fn bearer(token: impl Into<String>) -> Auth {
        Auth { schemes: sys::CRECHE_AUTH_BEARER, user: String::new(), secret: token.into() }
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
            token: if bearer { secret.as_ptr() } else { null() },
            refresh: None,
            refresh_user: null_mut(),
        };
        Ok(then(&raw))
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("schemes", &self.schemes).finish_non_exhaustive()
    }
}
