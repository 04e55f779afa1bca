//! Bodies of requests from files, and forms.
use crate::error::Result;
use crate::sys_ext::c_text;
use creche_sys as sys;
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::null;

/// A part of a file, as a body or in a form: read at its offset while it is sent, and anew each time.
#[derive(Debug)]
pub struct FilePart {
    file: OwnedFd,
    offset: u64,
    size: Option<u64>,
}

impl FilePart {
    /// All of it, as far as it goes when the request is started.
    pub fn new(file: impl Into<OwnedFd>) -> FilePart {
        FilePart { file: file.into(), offset: 0, size: None }
    }

    /// From there on.
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// So many bytes; fewer are a failure, [`Status::BODY`](crate::Status::BODY).
    pub fn size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// What C wants; the descriptor is this one's.
    pub(crate) fn raw(&self) -> sys::creche_file {
        sys::creche_file {
            fd: self.file.as_raw_fd(),
            reserved: 0,
            offset: self.offset,
            size: self.size.unwrap_or(sys::CRECHE_TO_THE_END),
        }
    }
}

#[derive(Debug, Default)]
struct Part {
    name: String,
    value: Vec<u8>,
    file: Option<FilePart>,
    filename: Option<String>,
    kind: Option<String>,
}

/// A form: urlencoded, or multipart/form-data if a field has a file, a filename or a type.
#[derive(Debug, Default)]
pub struct Form {
    parts: Vec<Part>,
    pub(crate) multipart: bool,
}

impl Form {
    /// Without fields yet.
    pub fn new() -> Form {
        Form::default()
    }

    /// A field.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.parts.push(Part { name: name.into(), value: value.into(), ..Part::default() });
        self
    }

    /// A field with the content of a file.
    pub fn file(mut self, name: impl Into<String>, file: FilePart) -> Self {
        self.parts.push(Part { name: name.into(), file: Some(file), ..Part::default() });
        self
    }

    /// Of the last field: what a server is told as the name of a file.
    pub fn filename(mut self, name: impl Into<String>) -> Self {
        if let Some(part) = self.parts.last_mut() {
            part.filename = Some(name.into());
        }
        self
    }

    /// Of the last field: its Content-Type.
    pub fn content_type(mut self, kind: impl Into<String>) -> Self {
        if let Some(part) = self.parts.last_mut() {
            part.kind = Some(kind.into());
        }
        self
    }

    /// multipart/form-data in any case.
    pub fn multipart(mut self) -> Self {
        self.multipart = true;
        self
    }

    pub(crate) fn with<R>(&self, use_them: impl FnOnce(&[sys::creche_part]) -> R) -> Result<R> {
        let optional = |text: &Option<String>| text.as_deref().map(c_text).transpose();
        let texts = self
            .parts
            .iter()
            .map(|p| Ok((c_text(&p.name)?, optional(&p.filename)?, optional(&p.kind)?)))
            .collect::<Result<Vec<_>>>()?;
        let files: Vec<_> = self.parts.iter().map(|p| p.file.as_ref().map(FilePart::raw)).collect();
        let at = |text: &Option<CString>| text.as_ref().map_or(null(), |text| text.as_ptr());
        let raw: Vec<_> = self
            .parts
            .iter()
            .zip(&texts)
            .zip(&files)
            .map(|((part, (name, filename, kind)), file)| sys::creche_part {
                name: name.as_ptr(),
                value: if file.is_some() { null() } else { part.value.as_ptr().cast() },
                value_size: part.value.len(),
                file: file.as_ref().map_or(null(), |file| file),
                filename: at(filename),
                type_: at(kind),
            })
            .collect();
        Ok(use_them(&raw))
    }
}
