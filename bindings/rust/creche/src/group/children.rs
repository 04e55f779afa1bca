//! The children of a group, polled by the group's future.
use crate::clock::Hold;
use crate::error::Error;
use crate::scope::Scope;
use crate::section::Section;
use crate::sync::{keep, lock, wake};
use creche_sys as sys;
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

pub(super) type ChildFuture<'env> = Pin<Box<dyn Future<Output = ()> + Send + 'env>>;

/// Which children are to be polled, and who polls the group.
pub(super) struct Ready {
    pub state: Mutex<Woken>,
    on: sys::creche_loop,
}

#[derive(Default)]
pub(super) struct Woken {
    children: Vec<usize>,
    waker: Option<Waker>,
    /// From a wake-up to the poll that it is for.
    hold: Option<Hold>,
}

impl Ready {
    pub fn push(&self, index: usize) {
        let mut state = lock(&self.state);
        state.children.push(index);
        let waker = state.waker.take();
        if waker.is_some() {
            state.hold = state.hold.take().or_else(|| Hold::new(self.on));
        }
        drop(state);
        wake(waker);
    }
}

struct ChildWaker {
    ready: Arc<Ready>,
    index: usize,
}

impl Wake for ChildWaker {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.index);
    }
}

pub(super) struct Slot<'env> {
    /// None while it is being polled.
    future: Option<ChildFuture<'env>>,
    waker: Waker,
}

#[derive(Default)]
pub(super) struct Children<'env> {
    pub slots: Vec<Option<Slot<'env>>>,
    free: Vec<usize>,
    /// The group's future is gone, or at its end.
    pub over: bool,
    /// Why a child could not even be started.
    pub refused: Option<Error>,
    pub panic: Option<Box<dyn Any + Send>>,
}

pub(crate) struct Inner<'env> {
    pub raw: sys::creche_group,
    pub on: sys::creche_loop,
    /// What its future, and so its children, are polled in.
    pub around: Option<Arc<Section>>,
    pub(super) ready: Arc<Ready>,
    pub(super) children: Mutex<Children<'env>>,
}

impl<'env> Inner<'env> {
    pub(super) fn new(
        raw: sys::creche_group,
        on: sys::creche_loop,
        around: Option<Arc<Section>>,
    ) -> Arc<Inner<'env>> {
        let ready = Arc::new(Ready { state: Mutex::default(), on });
        Arc::new(Inner { raw, on, around, ready, children: Mutex::default() })
    }

    pub(crate) fn add(&self, future: ChildFuture<'env>) {
        let mut children = lock(&self.children);
        if children.over {
            // Its owner gives the task up; the group is being cancelled anyway.
            drop(children);
            drop(future);
            return;
        }
        let index = children.free.pop().unwrap_or_else(|| {
            children.slots.push(None);
            children.slots.len() - 1
        });
        let ready = self.ready.clone();
        let waker = Waker::from(Arc::new(ChildWaker { ready, index }));
        children.slots[index] = Some(Slot { future: Some(future), waker });
        drop(children);
        self.ready.push(index);
    }

    /// Of a child: whatever the policy is, a panic is nobody's result.
    pub(crate) fn panicked(&self, payload: Box<dyn Any + Send>) {
        Scope { raw: self.raw.scope, on: self.on }.cancel("a child panicked");
        lock(&self.children).panic.get_or_insert(payload);
    }

    /// Polls the children that asked for it. True if all have ended.
    pub fn poll_children(&self, context: &Context<'_>) -> bool {
        let mut budget = 128;
        loop {
            let woken = {
                let mut ready = lock(&self.ready.state);
                let hold = ready.hold.take(); // whoever polls holds the clock
                if ready.children.is_empty() || budget == 0 {
                    let more = !ready.children.is_empty();
                    ready.hold = if more { Hold::new(self.on) } else { None };
                    // If there are more, they are polled without a further wake-up of theirs.
                    let old = keep(&mut ready.waker, context.waker());
                    drop(ready);
                    drop((hold, old));
                    if more {
                        context.waker().wake_by_ref();
                    }
                    let children = lock(&self.children);
                    return children.slots.len() == children.free.len();
                }
                budget -= 1;
                std::mem::take(&mut ready.children)
            };
            for index in woken {
                self.poll_child(index);
            }
        }
    }

    fn poll_child(&self, index: usize) {
        let (mut future, waker) = {
            let mut children = lock(&self.children);
            let Some(slot) = children.slots.get_mut(index).and_then(Option::as_mut) else { return };
            // A wake-up of one that was in this place before, or a second one.
            let Some(future) = slot.future.take() else { return };
            (future, slot.waker.clone())
        };
        // Panics of its body are caught in it; others are drops of what it captured or came to.
        let poll = AssertUnwindSafe(|| future.as_mut().poll(&mut Context::from_waker(&waker)));
        let polled = catch_unwind(poll).unwrap_or_else(|payload| {
            self.panicked(payload);
            Poll::Ready(())
        });
        let mut children = lock(&self.children);
        if polled.is_pending() {
            if let Some(slot) = children.slots.get_mut(index).and_then(Option::as_mut) {
                slot.future = Some(future);
                return;
            }
        } else if let Some(slot) = children.slots.get_mut(index) {
            *slot = None;
            children.free.push(index);
        }
        drop(children);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(future))) {
            self.panicked(payload);
        }
    }
}
