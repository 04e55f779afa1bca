//! Answers whose bodies go into files.
use crate::form::FilePart;
use crate::request::Request;

impl Request<'_> {
    /// The body is written there, decoded, from its offset on, by threads of the library, up to its size:
    /// more is [`Status::LIMIT`](crate::Status::LIMIT). The answer has no body then, and its
    /// [`decoded_bytes`](crate::ResponseInfo::decoded_bytes) is what was written. What cannot be written is
    /// [`Status::SYSTEM`](crate::Status::SYSTEM). Not for a [`stream`](Request::stream).
    pub fn to_file(mut self, file: FilePart) -> Self {
        self.to_file = Some(file);
        self
    }
}
