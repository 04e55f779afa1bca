//! Who watches one request.
use crate::pending::Pull;
use crate::request::Request;
use crate::watch::{WatchEvent, Watched, Watcher};
use std::sync::Arc;

impl Request<'_> {
    /// Is told of it as it happens, as [`SessionOptions::watch`](crate::SessionOptions::watch) is of all; up
    /// to its [`REQUEST_END`](crate::WatchKind::REQUEST_END).
    pub fn watch(mut self, tell: impl Fn(&WatchEvent<'_>) + Send + Sync + 'static) -> Self {
        self.watch = Some(Watcher::new(tell));
        self
    }

    /// From here on its watcher is told, until who pulls the body hears that it is over.
    pub(crate) fn take_watch(&mut self, source: Option<Arc<dyn Pull>>) -> Option<Arc<dyn Pull>> {
        let Some(watcher) = self.watch.take() else { return source };
        let watched = Arc::new(Watched::new(watcher, source));
        self.watched = Some(watched.clone());
        Some(watched)
    }
}
