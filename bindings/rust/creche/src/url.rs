//! URLs.
use crate::error::{Error, Result};
use crate::status::Status;
use crate::sys_ext::{c_text, check};
use creche_sys as sys;

/// What `reference` means beside `base` (RFC 3986, 5.2, strictly), for URLs of all schemes. Nothing is
/// encoded, decoded or put in another case.
///
/// ```
/// assert_eq!(creche::url_join("http://a/b/c/d?q", "../g").unwrap(), "http://a/b/g");
/// assert_eq!(creche::url_join("http://a/v1/", "x?y").unwrap(), "http://a/v1/x?y");
/// ```
pub fn url_join(base: &str, reference: &str) -> Result<String> {
    let (base_text, reference_text) = (c_text(base)?, c_text(reference)?);
    // Joined, it is no longer than both, what stands between the parts of one, and a "/.".
    let mut joined = vec![0u8; base.len() + reference.len() + 8];
    let mut size = 0;
    // SAFETY: the texts live until the call returns; no more is written than there is room.
    check(unsafe {
        sys::creche_url_join(
            base_text.as_ptr(),
            reference_text.as_ptr(),
            joined.as_mut_ptr().cast(),
            joined.len(),
            &mut size,
        )
    })?;
    joined.truncate(size);
    String::from_utf8(joined).map_err(|_| Error::own(Status::URL, "cut inside a character".into()))
}
