//! What is dropped when it is cancelled, and what in it outlives that.
use crate::sync::{keep, lock, wake};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

/// A future that whoever polls it drops when its scope is cancelled: the body of a task, or a part of
/// one. As long as there are guards in it (shields, clean-ups), at any depth, it is polled on.
pub(crate) struct Section {
    around: Option<Arc<Section>>,
    guards: AtomicUsize,
    /// Who polls it, while there are guards.
    waker: Mutex<Option<Waker>>,
}

impl Section {
    pub(crate) fn new(around: Option<Arc<Section>>) -> Arc<Section> {
        Arc::new(Section { around, guards: AtomicUsize::new(0), waker: Mutex::default() })
    }

    /// Whether there are guards in it. If so the waker hears of the end of the last.
    pub(crate) fn holds(&self, waker: &Waker) -> bool {
        if self.guards.load(Ordering::SeqCst) == 0 {
            return false;
        }
        let old = keep(&mut lock(&self.waker), waker);
        drop(old);
        self.guards.load(Ordering::SeqCst) != 0
    }

    /// Holds it, and all around it, until the guard is dropped.
    pub(crate) fn guard(self: &Arc<Section>) -> Guard {
        for section in self.outwards() {
            section.guards.fetch_add(1, Ordering::SeqCst);
        }
        Guard(self.clone())
    }

    fn outwards(&self) -> impl Iterator<Item = &Section> {
        std::iter::successors(Some(self), |section| section.around.as_deref())
    }
}

/// While it lives, no cancellation drops what it is in.
pub(crate) struct Guard(Arc<Section>);

impl Drop for Guard {
    fn drop(&mut self) {
        for section in self.0.outwards() {
            if section.guards.fetch_sub(1, Ordering::SeqCst) == 1 {
                let waker = lock(&section.waker).take();
                wake(waker);
            }
        }
    }
}
