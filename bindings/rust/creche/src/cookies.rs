//! Jars of cookies.
use crate::error::Result;
use crate::sys_ext::{c_text, check};
use creche_sys as sys;
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// A form of text that cookies are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieForm {
    /// Seven fields a line: what curl and wget have.
    Netscape,
    /// An array of objects.
    Json,
}

impl CookieForm {
    fn raw(self) -> u32 {
        match self {
            CookieForm::Netscape => sys::CRECHE_COOKIES_NETSCAPE,
            CookieForm::Json => sys::CRECHE_COOKIES_JSON,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Owned(pub(crate) sys::creche_cookie_jar);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_cookie_jar_release(self.0) };
    }
}

/// Cookies that sessions share: [`SessionOptions::cookies`](crate::SessionOptions::cookies). A clone
/// is the same jar.
#[derive(Clone, Debug)]
pub struct CookieJar(pub(crate) Arc<Owned>);

impl CookieJar {
    /// An empty jar.
    pub fn new() -> Result<CookieJar> {
        let mut raw = sys::creche_cookie_jar::default();
        // SAFETY: no options, and a place for the handle.
        check(unsafe { sys::creche_cookie_jar_open(null(), &mut raw) })?;
        Ok(CookieJar(Arc::new(Owned(raw))))
    }

    /// Takes what an answer from `url` says in Set-Cookie.
    pub fn receive(&self, url: &str, set_cookie: &str) -> Result<()> {
        let (url, text) = (c_text(url)?, c_text(set_cookie)?);
        // SAFETY: two texts, until the call returns.
        check(unsafe { sys::creche_cookie_jar_receive(self.0.0, url.as_ptr(), text.as_ptr()) })
    }

    /// What would be sent to `url` as Cookie now.
    pub fn get(&self, url: &str) -> Result<Vec<u8>> {
        let url = c_text(url)?;
        // SAFETY: memory of that size.
        stored(|to, capacity, size| unsafe {
            sys::creche_cookie_jar_get(self.0.0, url.as_ptr(), to, capacity, size)
        })
    }

    /// Takes out the cookies of a domain and all below it; None: all.
    pub fn clear(&self, domain: Option<&str>) -> Result<()> {
        let domain = domain.map(c_text).transpose()?;
        let text = domain.as_ref().map_or(null(), |text| text.as_ptr());
        // SAFETY: a text, until the call returns.
        check(unsafe { sys::creche_cookie_jar_clear(self.0.0, text) })
    }

    /// All cookies as text.
    pub fn export(&self, form: CookieForm) -> Result<Vec<u8>> {
        // SAFETY: memory of that size.
        stored(|to, capacity, size| unsafe {
            sys::creche_cookie_jar_export(self.0.0, form.raw(), to, capacity, size)
        })
    }

    /// Puts in what is in a text.
    pub fn import(&self, form: CookieForm, text: &[u8]) -> Result<()> {
        // SAFETY: memory of that size.
        check(unsafe {
            sys::creche_cookie_jar_import(self.0.0, form.raw(), text.as_ptr().cast(), text.len())
        })
    }

    /// Writes all cookies to a file that only its owner can read. Blocks: not on a loop.
    pub fn save(&self, form: CookieForm, path: &str) -> Result<()> {
        let path = c_text(path)?;
        // SAFETY: a text, until the call returns.
        check(unsafe { sys::creche_cookie_jar_save(self.0.0, form.raw(), path.as_ptr()) })
    }

    /// Puts in what is in a file. Blocks: not on a loop.
    pub fn load(&self, form: CookieForm, path: &str) -> Result<()> {
        let path = c_text(path)?;
        // SAFETY: a text, until the call returns.
        check(unsafe { sys::creche_cookie_jar_load(self.0.0, form.raw(), path.as_ptr()) })
    }
}

/// A text that C stores: asked for its size first, again if it has grown meanwhile.
fn stored(
    call: impl Fn(*mut std::ffi::c_char, usize, *mut usize) -> sys::creche_status,
) -> Result<Vec<u8>> {
    let mut size = 0;
    check(call(null_mut(), 0, &mut size))?;
    loop {
        let mut text = vec![0u8; size + 1];
        let status = call(text.as_mut_ptr().cast(), text.len(), &mut size);
        if status == sys::CRECHE_E_LIMIT && size >= text.len() {
            continue;
        }
        check(status)?;
        text.truncate(size);
        return Ok(text);
    }
}
