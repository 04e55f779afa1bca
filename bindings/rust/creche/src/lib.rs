//! Structured concurrency, HTTP client sessions and PostgreSQL pools on any executor.
//!
//! Everything runs on a loop of its own in the background (libcreche); here it is futures that need
//! no runtime. Nothing runs unattended: each operation belongs to a [`Scope`], a [`group`] ends after
//! all of its children, dropping a future cancels its operation.
//!
//! ```no_run
//! use creche::{GroupOptions, Session, SessionOptions, Times};
//!
//! # async fn f(urls: Vec<String>) -> creche::Result<()> {
//! let web = Session::new(SessionOptions::new())?;
//! creche::group(GroupOptions::new().limit(50).timeout(10.secs()), async |g| {
//!     let web = &web;
//!     for url in urls {
//!         g.spawn(async move |scope| {
//!             let page = web.get(&url).within(scope).await?;
//!             println!("{} {} bytes of {url}", page.status(), page.body().len());
//!             Ok(())
//!         });
//!     }
//!     Ok(())
//! })
//! .await?;
//! # Ok(()) }
//! ```
//!
//! # Where operations belong
//! `within(scope)` says it. Without, an operation belongs to the task that is being polled on this
//! thread: a child or the body of a group, or a [`task`](task()). Outside of all of them it belongs to
//! the loop.
//!
//! # Cancellation
//! A scope that is cancelled (by hand, by its deadline, by a sibling's failure) stops the operations
//! in it, which answer with [`Status::CANCELLED`], and the futures that are bodies of tasks in it are
//! dropped at their next poll. [`shield`] and [`with_cleanup`] are for what must still happen then.
//!
//! # Waiting for one another
//! A [`Limiter`] says how many may do something at once, a [`Rate`] how often; an [`Event`] happens
//! once, and a [`channel`] hands items on. Waiting for them is an operation like any other: it can be
//! cancelled at any moment, and no token, permit or item is lost then. On a virtual clock they are what
//! tasks should wait for one another with: it knows of them.
//!
//! # Errors of others
//! `?` takes those of the standard library in bodies of groups and transactions; [`Foreign`] makes one
//! of any other. They keep their type: [`Error::downcast_ref`], [`Error::find`].
//!
//! # Features
//! `vendored` builds the C library from its sources and links it in; without it that happens where
//! pkg-config knows no libcreche. `stream` makes a `futures_core::Stream` of what comes piece by piece.
//!
//! # Seeing what happens
//! [`LoopOptions::on_event`] is told of tasks, cancellations and leaks, [`LoopOptions::on_stall`] of what
//! blocks the loop, [`SessionOptions::watch`] of requests; [`Loop::dump`] shows the tree.
//!
//! # Threads
//! Everything here is `Send` and `Sync` unless it holds something of yours that is not. Wakers are
//! called on the loop's thread: an executor that runs tasks right in its wakers would block the loop.
#![deny(missing_docs)]
#![warn(rust_2018_idioms)]

// They use one another one way only: status, error, sys_ext, sync; section, clock, scope, runtime,
// options, pending; and on these all that can be awaited.
mod auth;
mod batch;
mod block;
mod body;
mod cell;
mod channel;
mod clock;
mod connection;
mod cookies;
mod copy;
mod cursor;
mod download;
mod error;
mod event;
mod events;
mod export;
mod flow;
mod foreign;
mod form;
mod group;
mod histogram;
mod hook_options;
mod hooks;
mod http_options;
mod limiter;
mod listen;
mod log;
mod loop_options;
mod metrics;
mod middleware;
mod options;
mod pending;
mod pool;
mod pool_body;
mod pool_calls;
mod pool_options;
mod query;
mod rate;
mod read;
mod request;
mod request_watch;
mod response;
mod retry;
mod rows;
mod runtime;
mod scope;
mod section;
mod session;
mod session_options;
mod session_policies;
mod shield;
mod sleep;
mod sockets;
mod start;
mod status;
#[cfg(feature = "stream")]
mod stream;
mod sync;
mod sys_ext;
mod task;
mod tls;
mod token;
mod transaction;
mod url;
mod value;
mod warm_up;
mod watch;
mod websocket;

pub use auth::Auth;
pub use batch::{Batch, BatchResults, BatchState, Description};
pub use body::{Body, BodyWriter};
pub use cell::{Cell, FromSql};
pub use channel::{
    ChannelOptions, ChannelState, NotSent, ReceiveItem, Receiver, Receiving, SendItem, Sender,
    channel, channel_on,
};
pub use clock::Hold;
pub use connection::Connection;
pub use cookies::{CookieForm, CookieJar};
pub use copy::{Chunk, CopyIn, CopyStream, copy_text, rows_bytes};
pub use cursor::{Cursor, OpenCursor};
pub use error::{Error, Result, ServerError};
pub use event::{Event, EventOptions, WaitEvent};
pub use events::{EventStream, Events, ServerEvent};
pub use export::{ArrowForm, CsvForm, JsonForm};
pub use foreign::Foreign;
pub use form::{FilePart, Form};
pub use group::{Child, Group, GroupOptions, Outcome, Policy, group};
pub use histogram::Histogram;
pub use hooks::{HookEvent, HookKind, NodeKind};
pub use http_options::{HttpTimeouts, HttpVersions};
pub use limiter::{AcquireToken, Limiter, LimiterOptions, LimiterState, Token};
pub use listen::{Heard, Listener};
pub use log::{LogEvent, LogField, LogLevel, LogRecord};
pub use loop_options::LoopOptions;
pub use metrics::{Threads, metrics};
pub use middleware::{Turn, TurnKind};
pub use options::{TaskOptions, Times};
pub use pending::Pending;
pub use pool::{Acquire, Pool};
pub use pool_body::PoolBody;
pub use pool_calls::{Notice, PasswordRequest};
pub use pool_options::{PoolCounters, PoolOptions, PoolTimings};
pub use query::{Execute, Query, Script};
pub use rate::{AcquirePermits, Rate, RateOptions, RateState};
pub use read::Read;
pub use request::Request;
pub use response::{Response, ResponseInfo, Streaming};
pub use retry::Retry;
pub use rows::{ColumnName, Iter, Row, RowStream, Rows};
pub use runtime::{DumpFormat, Loop, LoopCounters};
pub use scope::{Left, OpenScope, Scope, ScopeOptions, ScopeState};
pub use session::{Session, SessionCounters, SessionTimings};
pub use session_options::SessionOptions;
pub use shield::{shield, with_cleanup};
pub use sleep::{Offload, Offloaded, Sleep, Yield, offload, sleep, timeout, yield_now};
pub use sockets::{NewSocket, SocketOptions};
pub use start::Started;
pub use status::{Phase, Reason, Status};
#[cfg(feature = "stream")]
pub use stream::{BodyStream, Items};
pub use task::task;
pub use tls::{Tls, TlsOptions, TlsVersion};
pub use token::TokenAsk;
pub use transaction::{
    Begin, Beginning, Isolation, OpenTransaction, Transaction, TransactionOptions,
};
pub use url::url_join;
pub use value::{ToSql, Value, oid};
pub use watch::{WatchEvent, WatchKind};
pub use websocket::{
    CloseWebSocket, Message, ReceiveMessage, SendMessage, WebSocket, WebSocketRequest,
};
