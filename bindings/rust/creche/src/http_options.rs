//! What a session and its requests can both be told.
use crate::error::Result;
use crate::sys_ext::{c_text, nanoseconds};
use creche_sys as sys;
use std::ffi::CString;
use std::time::Duration;

/// Header fields as C wants them; their text lives in this.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, Vec<u8>)>);

impl Fields {
    pub(crate) fn push(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.push((name.into(), value.into()));
    }

    pub(crate) fn with<R>(&self, use_them: impl FnOnce(&[sys::creche_header]) -> R) -> Result<R> {
        let names =
            self.0.iter().map(|(name, _)| c_text(name)).collect::<Result<Vec<CString>>>()?;
        let raw: Vec<_> = names
            .iter()
            .zip(&self.0)
            .map(|(name, (_, value))| sys::creche_header {
                name: name.as_ptr(),
                value: value.as_ptr().cast(),
                value_size: value.len(),
            })
            .collect();
        Ok(use_them(&raw))
    }

    /// The same as parameters of a URL.
    pub(crate) fn with_params<R>(
        &self,
        use_them: impl FnOnce(&[sys::creche_param]) -> R,
    ) -> Result<R> {
        self.with(|fields| {
            let raw: Vec<_> = fields
                .iter()
                .map(|field| sys::creche_param {
                    name: field.name,
                    value: field.value,
                    value_size: field.value_size,
                })
                .collect();
            use_them(&raw)
        })
    }
}

/// Versions of HTTP that may be spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/1.1 alone: the default.
    Http1,
    /// HTTP/2 alone: servers of `https` URLs have to choose it, those of `http` URLs are known to speak it.
    Http2,
    /// Servers of `https` URLs choose; those of `http` URLs are asked by HTTP/1.1.
    Both,
}

impl HttpVersions {
    pub(crate) fn raw(self) -> u32 {
        match self {
            HttpVersions::Http1 => sys::CRECHE_HTTP_1_1,
            HttpVersions::Http2 => sys::CRECHE_HTTP_2,
            HttpVersions::Both => sys::CRECHE_HTTP_1_1 | sys::CRECHE_HTTP_2,
        }
    }
}

/// Timeouts of the phases of a request. None: the session's, in a session the library's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HttpTimeouts {
    /// Waiting for a connection of the session to be free.
    pub pool: Option<Duration>,
    /// Resolving the name.
    pub dns: Option<Duration>,
    /// TCP, all addresses.
    pub connect: Option<Duration>,
    /// The handshake.
    pub tls: Option<Duration>,
    /// A gap without progress in sending.
    pub send: Option<Duration>,
    /// From the end of sending to the end of the answer's head, whatever comes before it.
    pub first_byte: Option<Duration>,
    /// Between two reads.
    pub read_gap: Option<Duration>,
    /// A proxy to connect: CONNECT, SOCKS.
    pub proxy: Option<Duration>,
}

impl HttpTimeouts {
    pub(crate) fn raw(&self) -> sys::creche_http_timeouts {
        // Zero is C's word for the default; a real zero is over at once.
        let one = |time: Option<Duration>| time.map_or(0, |time| nanoseconds(time).max(1));
        sys::creche_http_timeouts {
            pool: one(self.pool),
            dns: one(self.dns),
            connect: one(self.connect),
            tls: one(self.tls),
            send: one(self.send),
            first_byte: one(self.first_byte),
            read_gap: one(self.read_gap),
            proxy: one(self.proxy),
        }
    }

    /// Sets what is given.
    pub(crate) fn set_in(&self, all: &mut sys::creche_http_timeouts) {
        let given = self.raw();
        for (place, value) in [
            (&mut all.pool, given.pool),
            (&mut all.dns, given.dns),
            (&mut all.connect, given.connect),
            (&mut all.tls, given.tls),
            (&mut all.send, given.send),
            (&mut all.first_byte, given.first_byte),
            (&mut all.read_gap, given.read_gap),
            (&mut all.proxy, given.proxy),
        ] {
            if value != 0 {
                *place = value;
            }
        }
    }
}
