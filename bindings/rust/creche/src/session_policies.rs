//! Options of a session: who watches it, how hosts are treated, where requests may lead.
use crate::middleware::{Middleware, Turn};
use crate::session_options::SessionOptions;
use crate::sockets::SocketOptions;
use crate::tls::Tls;
use crate::watch::{WatchEvent, Watcher};
use creche_sys as sys;
use std::time::Duration;

impl SessionOptions {
    /// Told of what happens to requests and connections, on the loop's thread: it must return soon.
    /// After the session was dropped it is told nothing more.
    pub fn watch(mut self, tell: impl Fn(&WatchEvent<'_>) + Send + Sync + 'static) -> Self {
        self.watch = Some(Watcher::new(tell));
        self
    }

    /// Asked before each attempt and hop of a request, at the head of each answer, and after each failure,
    /// on the loop's thread: it must return soon, and may decide later. After the session was dropped it
    /// is asked nothing more.
    pub fn middleware(mut self, ask: impl Fn(Turn) + Send + Sync + 'static) -> Self {
        self.middleware = Some(Middleware::new(ask));
        self
    }

    /// What is set on its sockets before they connect.
    pub fn sockets(mut self, options: SocketOptions) -> Self {
        self.sockets = Some(options);
        self
    }

    /// A redirect from https to http is a failure.
    pub fn no_downgrade(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_NO_DOWNGRADE;
        self
    }

    /// Connects to no private address, whatever a URL, a redirect or a name says.
    pub fn public_only(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_PUBLIC_ONLY;
        self
    }

    /// Where a redirect may lead beside its own host, as `no_proxy` lists hosts.
    pub fn redirect_hosts(mut self, hosts: impl Into<String>) -> Self {
        self.redirect_hosts = Some(hosts.into());
        self
    }

    /// Names of header fields, separated by commas, that a redirect to another origin does not take along, as
    /// Authorization; "": none. In place of X-Api-Key and others where keys are usually shown.
    pub fn private_headers(mut self, names: impl Into<String>) -> Self {
        self.private_headers = Some(names.into());
        self
    }

    /// Requests to each origin in `interval`, `burst` of them at once after a pause; more wait.
    pub fn rate_per_host(mut self, requests: u32, interval: Duration, burst: u32) -> Self {
        self.rate_per_host = requests;
        self.rate_interval = interval;
        self.burst_per_host = burst;
        self
    }

    /// Settings of TLS to https proxies, in place of those to servers.
    pub fn proxy_tls(mut self, tls: &Tls) -> Self {
        self.proxy_tls = Some(tls.clone());
        self
    }

    /// How long it is kept that there is no such name, `dns_ttl` at the most.
    pub fn dns_negative_ttl(mut self, ttl: Duration) -> Self {
        self.dns_negative_ttl = ttl;
        self
    }

    /// For how long behind its time an answer is used if the resolver has none now.
    pub fn dns_stale(mut self, time: Duration) -> Self {
        self.dns_stale = time;
        self
    }

    /// Decoded bytes of a body for each coded one, beyond the first 64 KiB; 0: no limit.
    pub fn max_expansion(mut self, times: u32) -> Self {
        self.max_expansion = times;
        self
    }
}
