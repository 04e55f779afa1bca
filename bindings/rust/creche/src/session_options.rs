//! What a session is opened with.
use crate::auth::Auth;
use crate::cookies::CookieJar;
use crate::error::Result;
use crate::http_options::{Fields, HttpTimeouts, HttpVersions};
use crate::middleware::Middleware;
use crate::retry::Retry;
use crate::runtime::Loop;
use crate::sockets::{Looking, SocketOptions};
use crate::sys_ext::{c_text, check, defaults, nanoseconds};
use crate::tls::Tls;
use crate::watch::{Watcher, Watching};
use creche_sys as sys;
use std::ptr::null;
use std::time::Duration;

fn milliseconds(time: Duration) -> u32 {
    time.as_millis().try_into().unwrap_or(u32::MAX)
}

/// Options of a [`Session`](crate::Session). What is not set is as the library has it.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    pub(crate) flags: u32,
    limit: Option<u32>,
    limit_per_host: Option<u32>,
    max_waiting: Option<u32>,
    max_redirects: Option<u32>,
    max_header_bytes: Option<u32>,
    dns_ttl: Option<Duration>,
    max_body: Option<u64>,
    keepalive: Option<Duration>,
    max_lifetime: Option<Duration>,
    max_requests: u32,
    streams_per_connection: u32,
    versions: Option<HttpVersions>,
    timeouts: HttpTimeouts,
    user_agent: Option<String>,
    ca_file: Option<String>,
    tls: Option<Tls>,
    base_url: Option<String>,
    retry: Option<Retry>,
    headers: Fields,
    proxy: Option<String>,
    proxy_headers: Fields,
    no_proxy: Option<String>,
    unix_path: Option<String>,
    hosts: Vec<(String, String)>,
    local_address: Option<String>,
    cookies: Option<CookieJar>,
    pub(crate) auth: Option<Auth>,
    pub(crate) watch: Option<Watcher>,
    pub(crate) redirect_hosts: Option<String>,
    pub(crate) private_headers: Option<String>,
    pub(crate) rate_per_host: u32,
    pub(crate) burst_per_host: u32,
    pub(crate) rate_interval: Duration,
    pub(crate) dns_negative_ttl: Duration,
    pub(crate) dns_stale: Duration,
    pub(crate) proxy_tls: Option<Tls>,
    pub(crate) max_expansion: u32,
    pub(crate) middleware: Option<Middleware>,
    pub(crate) sockets: Option<SocketOptions>,
}

impl SessionOptions {
    /// The library's defaults.
    pub fn new() -> SessionOptions {
        SessionOptions::default()
    }

    /// Does not verify certificates: for tests only.
    pub fn insecure(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_INSECURE;
        self
    }

    /// Sends no Accept-Encoding, leaves bodies coded.
    pub fn no_decode(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_NO_DECODE;
        self
    }

    /// Takes responses of old and small servers that are refused otherwise, as far as they can be
    /// read in one way only: line feeds alone, folded lines of framing fields, equal
    /// Content-Lengths, blanks behind the size of a chunk.
    pub fn lenient(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_LENIENT;
        self
    }

    /// A status of 400 or above is a failure, [`Status::HTTP_STATUS`](crate::Status::HTTP_STATUS).
    pub fn fail_on_status(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_FAIL_ON_STATUS;
        self
    }

    /// When requests are made again.
    pub fn retry(mut self, policy: Retry) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Nothing is ever sent again, also when a kept connection was dead.
    pub fn no_retry(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_NO_RETRY;
        self
    }

    /// Connections at the most, idle ones too; 0: no limit.
    pub fn limit(mut self, connections: u32) -> Self {
        self.limit = Some(connections);
        self
    }

    /// Connections to each origin at the most; 0: no limit.
    pub fn limit_per_host(mut self, connections: u32) -> Self {
        self.limit_per_host = Some(connections);
        self
    }

    /// Requests that may wait for a connection; 0: no limit.
    pub fn max_waiting(mut self, requests: u32) -> Self {
        self.max_waiting = Some(requests);
        self
    }

    /// Redirects followed for a request; 0: the redirect is the answer.
    pub fn max_redirects(mut self, count: u32) -> Self {
        self.max_redirects = Some(count);
        self
    }

    /// Of the head of a response.
    pub fn max_header_bytes(mut self, bytes: u32) -> Self {
        self.max_header_bytes = Some(bytes);
        self
    }

    /// How long a resolved name is kept.
    pub fn dns_ttl(mut self, ttl: Duration) -> Self {
        self.dns_ttl = Some(ttl);
        self
    }

    /// Of a whole body, decoded.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// How long an idle connection is kept.
    pub fn keepalive(mut self, time: Duration) -> Self {
        self.keepalive = Some(time);
        self
    }

    /// How long a connection is used; each ends in the last tenth of it, at its own moment.
    pub fn max_lifetime(mut self, time: Duration) -> Self {
        self.max_lifetime = Some(time);
        self
    }

    /// Requests that a connection carries; 0: no limit.
    pub fn max_requests(mut self, count: u32) -> Self {
        self.max_requests = count;
        self
    }

    /// Requests that a connection of HTTP/2 carries at a time; 0: as many as the server allows.
    pub fn streams_per_connection(mut self, count: u32) -> Self {
        self.streams_per_connection = count;
        self
    }

    /// Versions of HTTP that may be spoken.
    pub fn versions(mut self, versions: HttpVersions) -> Self {
        self.versions = Some(versions);
        self
    }

    /// Timeouts of the phases of each request.
    pub fn timeouts(mut self, timeouts: HttpTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Empty for none.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// A PEM file of trusted authorities instead of the system's.
    pub fn ca_file(mut self, path: impl Into<String>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Settings of TLS. Not with `ca_file` or `insecure`.
    pub fn tls(mut self, tls: &Tls) -> Self {
        self.tls = Some(tls.clone());
        self
    }

    /// What URLs of requests without a scheme are joined to, as [`url_join`](crate::url_join) does: end
    /// its path with a slash, or the last segment gives way.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// A header field that every request gets, unless it names the same itself.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// A proxy: `http://user:password@host:port`, `https://`, `socks5://` (names are resolved here)
    /// or `socks5h://`; `direct` for none, whatever the environment says.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// A header field for http and https proxies alone.
    pub fn proxy_header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.proxy_headers.push(name, value);
        self
    }

    /// Hosts that are reached without a proxy, separated by commas.
    pub fn no_proxy(mut self, hosts: impl Into<String>) -> Self {
        self.no_proxy = Some(hosts.into());
        self
    }

    /// Takes what is not given of the proxies from the environment, read when the session is opened.
    pub fn env_proxy(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_ENV_PROXY;
        self
    }

    /// A Unix socket that all requests go to; `@name` for an abstract one.
    pub fn unix_path(mut self, path: impl Into<String>) -> Self {
        self.unix_path = Some(path.into());
        self
    }

    /// Where to connect to for a host (`example.org:443`): an address, several by commas, `unix:/path`,
    /// or another name. The first that fits counts.
    pub fn host(mut self, host: impl Into<String>, to: impl Into<String>) -> Self {
        self.hosts.push((host.into(), to.into()));
        self
    }

    /// An IP address that connections come from.
    pub fn local_address(mut self, address: impl Into<String>) -> Self {
        self.local_address = Some(address.into());
        self
    }

    /// Its cookies.
    pub fn cookies(mut self, jar: &CookieJar) -> Self {
        self.cookies = Some(jar.clone());
        self
    }

    /// What servers are shown.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Takes users and passwords of hosts from the file that `NETRC` names, or `~/.netrc`.
    pub fn netrc(mut self) -> Self {
        self.flags |= sys::CRECHE_SESSION_NETRC;
        self
    }

    pub(crate) fn open(
        &self,
        on: Loop,
        watching: Option<&Watching>,
        looking: Option<&Looking>,
    ) -> Result<sys::creche_session> {
        let redirect_hosts = self.redirect_hosts.as_deref().map(c_text).transpose()?;
        let private_headers = self.private_headers.as_deref().map(c_text).transpose()?;
        let watch = watching.map(Watching::raw);
        let middleware = self.middleware.as_ref().map(Middleware::raw).transpose()?;
        let proxy = self.proxy.as_deref().map(c_text).transpose()?;
        let no_proxy = self.no_proxy.as_deref().map(c_text).transpose()?;
        let unix_path = self.unix_path.as_deref().map(c_text).transpose()?;
        let local = self.local_address.as_deref().map(c_text).transpose()?;
        let hosts = self
            .hosts
            .iter()
            .map(|(host, to)| Ok((c_text(host)?, c_text(to)?)))
            .collect::<Result<Vec<_>>>()?;
        let mapped: Vec<_> = hosts
            .iter()
            .map(|(host, to)| sys::creche_mapped_host { host: host.as_ptr(), to: to.as_ptr() })
            .collect();
        let agent = self.user_agent.as_deref().map(c_text).transpose()?;
        let file = self.ca_file.as_deref().map(c_text).transpose()?;
        let base = self.base_url.as_deref().map(c_text).transpose()?;
        let retry = self.retry.as_ref().map(Retry::raw).transpose()?;
        let mut session = sys::creche_session::default();
        let all = self.headers.with(|headers| {
            self.proxy_headers.with(|proxy_headers| {
                // SAFETY: plain options; they and what they point to live until the call returns.
                check(unsafe {
                    let mut o = defaults(sys::creche_session_options_init)?;
                    o.flags = self.flags;
                    o.limit = self.limit.unwrap_or(o.limit);
                    o.limit_per_host = self.limit_per_host.unwrap_or(o.limit_per_host);
                    o.max_waiting = self.max_waiting.unwrap_or(o.max_waiting);
                    o.max_redirects = self.max_redirects.unwrap_or(o.max_redirects);
                    o.max_header_bytes = self.max_header_bytes.unwrap_or(o.max_header_bytes);
                    o.max_body = self.max_body.unwrap_or(o.max_body);
                    o.keepalive = self.keepalive.map_or(o.keepalive, nanoseconds);
                    o.max_lifetime = self.max_lifetime.map_or(o.max_lifetime, nanoseconds);
                    o.max_requests = self.max_requests;
                    o.streams_per_connection = self.streams_per_connection;
                    o.versions = self.versions.map_or(0, HttpVersions::raw);
                    if let Some(ttl) = self.dns_ttl {
                        o.dns_ttl_ms = milliseconds(ttl);
                    }
                    self.timeouts.set_in(&mut o.timeouts);
                    o.user_agent = agent.as_ref().map_or(o.user_agent, |text| text.as_ptr());
                    o.ca_file = file.as_ref().map_or(null(), |text| text.as_ptr());
                    o.retry = retry.as_ref().map_or(null(), |retry| retry);
                    o.tls = self.tls.as_ref().map(Tls::raw).unwrap_or_default();
                    o.proxy_tls = self.proxy_tls.as_ref().map(Tls::raw).unwrap_or_default();
                    o.base_url = base.as_ref().map_or(null(), |text| text.as_ptr());
                    o.headers = headers.as_ptr();
                    o.headers_count = headers.len();
                    o.proxy = proxy.as_ref().map_or(null(), |text| text.as_ptr());
                    o.proxy_headers = proxy_headers.as_ptr();
                    o.proxy_headers_count = proxy_headers.len();
                    o.unix_path = unix_path.as_ref().map_or(null(), |text| text.as_ptr());
                    o.hosts = mapped.as_ptr();
                    o.hosts_count = mapped.len();
                    o.local_address = local.as_ref().map_or(null(), |text| text.as_ptr());
                    o.cookies = self.cookies.as_ref().map_or(o.cookies, |jar| jar.0.0);
                    o.watch = watch.as_ref().map_or(null(), |watch| watch);
                    o.redirect_hosts = redirect_hosts.as_ref().map_or(null(), |text| text.as_ptr());
                    o.private_headers =
                        private_headers.as_ref().map_or(null(), |text| text.as_ptr());
                    o.rate_per_host = self.rate_per_host;
                    o.burst_per_host = self.burst_per_host;
                    o.rate_interval = nanoseconds(self.rate_interval);
                    o.dns_negative_ttl_ms = milliseconds(self.dns_negative_ttl);
                    o.dns_stale_ms = milliseconds(self.dns_stale);
                    o.max_expansion = self.max_expansion;
                    o.middleware = middleware.as_ref().map_or(null(), |middleware| middleware);
                    o.no_proxy = no_proxy.as_ref().map_or(null(), |text| text.as_ptr());
                    match Auth::with(self.auth.as_ref(), |auth| {
                        o.auth = auth;
                        SocketOptions::with(self.sockets.as_ref(), looking, |sockets| {
                            o.sockets = sockets;
                            sys::creche_session_open(on.raw, &o, &mut session)
                        })
                    })
                    .and_then(|status| status)
                    {
                        Ok(status) => status,
                        Err(error) => return Err(error),
                    }
                })
            })
        });
        all???;
        Ok(session)
    }
}
