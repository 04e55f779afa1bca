//! Reads of bodies, piece by piece or by records.
use crate::error::Result;
use crate::options::{TaskOptions, task_options};
use crate::pending::{Answer, Pending};
use creche_sys as sys;
use std::marker::PhantomData;

/// What a read asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted<'a> {
    Some(usize),
    Until(&'a [u8], usize),
    Exactly(usize),
}

/// One read of a body: await it.
#[derive(Debug)]
#[must_use = "await it, or start it"]
pub struct Read<'a> {
    raw: sys::creche_response,
    on: sys::creche_loop,
    one_at_a_time: PhantomData<&'a mut ()>,
    wanted: Wanted<'a>,
    task: TaskOptions,
}

impl<'a> Read<'a> {
    task_options!();

    /// raw: lives for 'a, and is lent to this alone.
    pub(crate) fn new(
        raw: sys::creche_response,
        on: sys::creche_loop,
        wanted: Wanted<'a>,
    ) -> Read<'a> {
        Read { raw, on, one_at_a_time: PhantomData, wanted, task: TaskOptions::new() }
    }

    /// Bytes at the most, of a plain read.
    pub fn capacity(mut self, bytes: usize) -> Self {
        if let Wanted::Some(capacity) = &mut self.wanted {
            *capacity = bytes;
        }
        self
    }

    /// Starts it without waiting.
    pub fn start(self) -> Pending<Option<Vec<u8>>> {
        let (raw, on) = (self.raw, self.on);
        Pending::start(on, &self.task, |within, options, done, user, task| {
            // SAFETY: our handle; options live until the call returns; user until the completion.
            Ok(unsafe {
                match self.wanted {
                    Wanted::Some(n) => {
                        sys::creche_response_read(raw, within, n, options, done, user, task)
                    }
                    Wanted::Exactly(n) => {
                        sys::creche_response_read_exactly(raw, within, n, options, done, user, task)
                    }
                    Wanted::Until(delimiter, max) => sys::creche_response_read_until(
                        raw,
                        within,
                        delimiter.as_ptr().cast(),
                        delimiter.len(),
                        max,
                        options,
                        done,
                        user,
                        task,
                    ),
                }
            })
        })
    }
}

crate::pending::awaitable!(Read<'a> => Option<Vec<u8>>);

impl Answer for Option<Vec<u8>> {
    unsafe fn read(completion: &sys::creche_completion) -> Result<Option<Vec<u8>>> {
        if completion.kind == sys::CRECHE_END {
            return Ok(None);
        }
        if completion.data_size == 0 {
            return Ok(Some(Vec::new()));
        }
        // SAFETY: data_size bytes that live until the callback returns.
        let bytes = unsafe {
            std::slice::from_raw_parts(completion.data.cast::<u8>(), completion.data_size)
        };
        Ok(Some(bytes.to_vec()))
    }
}
