//! Raw declarations of [libcreche]'s C interface, exactly as in its headers, which are the manual:
//! the text of each item here is theirs.
//!
//! Use the crate `creche` instead, unless you are binding something that it does not cover yet.
//!
//! Numbers of C's enumerations are integer constants; handles are structs of one `u64`. The library
//! is found by `CRECHE_LIB_DIR` and `CRECHE_INCLUDE_DIR`, else by `pkg-config`.
//!
//! [libcreche]: https://docs.rs/creche
#![no_std]
#![allow(non_camel_case_types)]

#[rustfmt::skip]
#[allow(rustdoc::broken_intra_doc_links, rustdoc::invalid_html_tags, rustdoc::bare_urls)]
#[allow(clippy::doc_lazy_continuation, clippy::doc_overindented_list_items)]
mod bindings;

pub use bindings::*;
