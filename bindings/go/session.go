package creche

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"runtime"
	"time"
	"unsafe"

	"libcreche/creche/internal/cx"
)

// Session is an HTTP client that keeps connections. It is safe for concurrent use.
type Session struct {
	loop    *Loop
	id      uint64
	watch   uint64
	between uint64
	opened  uint64
}

// NewSession opens a session. It connects nowhere yet.
func NewSession(options *SessionOptions) (*Session, error) {
	o := orZero(options)
	l, err := o.Loop.orDefault()
	if err != nil {
		return nil, err
	}
	c := cx.SessionOptions{
		Limit: orNone(o.Limit), LimitPerHost: orNone(o.LimitPerHost), MaxWaiting: orNone(o.MaxWaiting),
		MaxRedirects: orNone(o.MaxRedirects), MaxHeaderBytes: uint32(o.MaxHeaderBytes), MaxBody: uint64(max(o.MaxBody, 0)),
		KeepAlive: o.KeepAlive, MaxLifetime: max(o.MaxLifetime, 0), MaxRequests: uint32(max(o.MaxRequests, 0)),
		StreamsPerConnection: uint32(max(o.Streams, 0)), Versions: uint32(o.Versions), DNSTTL: ttl(o.DNSTTL), Timeouts: o.Timeouts.c(), CAFile: o.CAFile, TLS: o.TLS.handle(), BaseURL: o.BaseURL,
	}
	if o.Insecure {
		c.Flags |= cx.SessionInsecure
	}
	if o.NoDecode {
		c.Flags |= cx.SessionNoDecode
	}
	if o.Lenient {
		c.Flags |= cx.SessionLenient
	}
	if o.FailOnStatus {
		c.Flags |= cx.SessionFailOnStatus
	}
	if o.NoRetry {
		c.Flags |= cx.SessionNoRetry
	}
	c.Retry = o.Retry.c()
	if o.UserAgent != "" {
		agent := o.UserAgent
		if agent == "-" {
			agent = ""
		}
		c.UserAgent = &agent
	}
	c.Headers, c.ProxyHeaders = pairs(o.Header), pairs(o.ProxyHeader)
	if o.EnvProxy {
		c.Flags |= cx.SessionEnvProxy
	}
	c.Proxy, c.NoProxy, c.UnixPath, c.LocalAddress = o.Proxy, o.NoProxy, o.UnixPath, o.LocalAddress
	c.Hosts, c.Auth = o.Hosts, o.Auth.c
	if o.Netrc {
		c.Flags |= cx.SessionNetrc
	}
	if o.Cookies != nil {
		c.Cookies = o.Cookies.id
	}
	o.policies(&c)
	opened := cx.SessionOpen(l.id, c)
	runtime.KeepAlive(o.Cookies)
	runtime.KeepAlive(o.TLS)
	runtime.KeepAlive(o.ProxyTLS)
	if opened.Failure != nil {
		cx.Unwatch(c.Watch)
		cx.NoMiddleware(c.Middleware)
		cx.NotOpened(c.Sockets.Opened)
		return nil, newError(opened.Failure, nil)
	}
	return &Session{loop: l, id: opened.ID, watch: c.Watch, between: c.Middleware, opened: c.Sockets.Opened}, nil
}

// Close closes the session's connections; requests in flight end with ErrClosed.
func (s *Session) Close() error {
	cx.SessionRelease(s.id)
	cx.Unwatch(s.watch)
	cx.NoMiddleware(s.between)
	cx.NotOpened(s.opened)
	return nil
}

// SessionCounters say what a session has now, and did so far.
type SessionCounters struct {
	Requests, Connects, Reuses, Retries, DNSLookups uint64
	BytesSent, BytesReceived                        uint64
	Active, Idle, Waiting                           uint64
	Attempts                                        uint64 // made by a Retry, after the first
	RetriesDenied                                   uint64 // by its budget
}

// Counters of the session; zero once it is closed.
func (s *Session) Counters() SessionCounters {
	v, _ := cx.SessionCounters(s.id)
	return SessionCounters{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11]}
}

// Histogram says how often something took how long.
type Histogram struct {
	Count    uint64
	Sum, Max time.Duration
	// Number i counts times from 2^i up to 2^(i+1) nanoseconds, the first one 0 too, the last one all
	// that are longer.
	Buckets [40]uint64
}

// SessionTimings say how long what a session did took so far.
type SessionTimings struct {
	Pool      Histogram // requests that waited for a connection, and got one
	DNS       Histogram // of new connections
	Connect   Histogram
	TLS       Histogram
	FirstByte Histogram // of answers that have come whole: from the end of sending
	Total     Histogram // of these: from the call to the end of the body
}

// Timings of the session; zero once it is closed.
func (s *Session) Timings() SessionTimings {
	v, _ := cx.SessionTimings(s.id)
	h := func(i int) Histogram {
		return Histogram{v[i][0], time.Duration(v[i][1]), time.Duration(v[i][2]), [40]uint64(v[i][3:])}
	}
	return SessionTimings{h(0), h(1), h(2), h(3), h(4), h(5)}
}

// WarmUp opens connections to where a request would go until there are count, those that are there
// counted, and keeps them idle for who comes. Returns how many were opened.
func (s *Session) WarmUp(ctx context.Context, r *Request, count int) (int, error) {
	w := newWaiter(takeValue)
	defer w.free()
	w.fill(r)
	w.request.Body, w.request.Flags = nil, w.request.Flags&^(cx.RequestPullBody|cx.RequestRewind)
	start := func(tail cx.Tail) cx.Started {
		return cx.WarmUp(s.id, tail, uint32(min(max(count, 1), math.MaxInt32)), &w.request)
	}
	if e := s.loop.callIn(ctx, s.loop.where(ctx), w, start); e != nil {
		return 0, e
	}
	return int(w.code), nil
}

// Request is what Do and Send send.
type Request struct {
	Method string // default: GET, or POST with a body
	URL    string
	Params [][2]string // names and values, appended to the query of the URL, percent-encoded
	Header http.Header

	// The body: bytes; or a reader, from which it is pulled while it is sent. BodySize is what a reader
	// will give; 0 if that is not known (sent chunked). A reader that is an io.Closer is closed; one that
	// is an io.Seeker is read again from where it is if the request has to be sent again.
	Body       []byte
	BodyReader io.Reader
	BodySize   int64

	MaxBody      int64        // of a whole answer; 0: the session's
	MaxRedirects int          // 0: the session's; negative: none is followed
	Versions     HTTPVersions // in place of the session's
	NoDecode     bool         // leave the answer's body coded
	TLS          *TLS         // settings in place of the session's
	NoRetry      bool         // never send again: neither when a kept connection was dead, nor by a Retry
	Lenient      bool         // as SessionOptions.Lenient, for this request
	Timeouts     Timeouts
	Proxy        string // as SessionOptions.Proxy, whatever NoProxy says; "": the session's
	FailOnStatus bool   // a status of 400 or above is a failure, ErrHTTPStatus
	AnyStatus    bool   // any status is a success, whatever the session says
	Retry        *Retry // when it is made again; nil: what the session says

	BodyFile       *FilePart     // instead of Body: a part of a file
	Form           *Form         // instead of Body: a form
	Coding         Coding        // the body is sent coded, in chunks
	ExpectContinue bool          // ask the server whether it wants the body (Expect: 100-continue)
	ExpectTimeout  time.Duration // the wait for its answer; 1 s; negative: for ever
	PrivateHeaders string        // as SessionOptions.PrivateHeaders, for its own fields; "": the session's
	UnixPath       string        // as SessionOptions.UnixPath, with its redirects
	Auth           Auth          // the zero value: the session's
	NoAuth         bool          // show nothing of the session's Auth and Netrc
	NoCookies      bool          // neither send nor keep cookies of the session's jar
	Info           bool          // Response.Info is wanted

	// Watch is told of it as it happens, as SessionOptions.Watch is of all, up to its WatchRequestEnd.
	Watch func(*WatchEvent)

	// The body is written there, from its offset on, up to its size: for Do. The Response has no Body then.
	ToFile *FilePart
}

// Response is a whole answer. It holds no resources.
type Response struct {
	Status int
	Header http.Header
	URL    string // that answered, after redirects
	Body   []byte

	Trailer http.Header   // what came behind the body; nil for nothing
	Info    *ResponseInfo // with Request.Info
}

// Close does nothing: it is there so that a Response is treated like others.
func (r *Response) Close() error { return nil }

// Get fetches a URL whole. Any HTTP status is success.
func (s *Session) Get(ctx context.Context, url string) (*Response, error) {
	return s.Do(ctx, &Request{URL: url})
}

// Post sends a body and fetches the answer whole.
func (s *Session) Post(ctx context.Context, url, contentType string, body []byte) (*Response, error) {
	return s.Do(ctx, &Request{Method: http.MethodPost, URL: url, Body: body,
		Header: http.Header{"Content-Type": {contentType}}})
}

// Do sends a request and fetches the answer whole. Any HTTP status is success.
func (s *Session) Do(ctx context.Context, r *Request) (*Response, error) {
	w := newWaiter(takeValue)
	defer w.free()
	w.fill(r)
	if e := s.exchange(ctx, s.loop.where(ctx), w, r.BodyReader, true, true); e != nil {
		return nil, e
	}
	response := &Response{Status: int(w.code)}
	if w.size > 0 {
		response.Body = bytes.Clone(unsafe.Slice((*byte)(w.data), w.size))
	}
	var e *Error
	if r.Info {
		response.Info = infoOf(w.value)
	}
	if response.URL, response.Header, response.Trailer, e = w.head(true); e != nil {
		return nil, e
	}
	return response, nil
}

// fill makes C's request of ours.
func (w *waiter) fill(r *Request) {
	c := &w.request
	c.Target(r.URL, r.Method)
	c.By(r.Proxy, r.UnixPath, r.PrivateHeaders, r.Auth.c)
	for name, values := range r.Header {
		for _, value := range values {
			c.Header(name, value)
		}
	}
	for _, p := range r.Params {
		c.Param(p[0], p[1])
	}
	c.MaxBody, c.MaxRedirects, c.Timeouts = uint64(max(r.MaxBody, 0)), cx.Default, r.Timeouts.c()
	c.Flags, c.Body, c.PullSize, c.TLS, c.Versions = 0, r.Body, 0, r.TLS.handle(), uint32(r.Versions)
	if r.MaxRedirects != 0 {
		c.MaxRedirects = uint32(max(r.MaxRedirects, 0))
	}
	if r.NoDecode {
		c.Flags |= cx.RequestNoDecode
	}
	if r.NoRetry {
		c.Flags |= cx.RequestNoRetry
	}
	if r.Lenient {
		c.Flags |= cx.RequestLenient
	}
	if r.FailOnStatus {
		c.Flags |= cx.RequestFailOnStatus
	}
	if r.AnyStatus {
		c.Flags |= cx.RequestAnyStatus
	}
	c.Retry = r.Retry.c()
	w.tell, c.Watch = r.Watch, 0
	r.fillBody(c)
	if r.NoAuth {
		c.Flags |= cx.RequestNoAuth
	}
	if r.NoCookies {
		c.Flags |= cx.RequestNoCookies
	}
	if r.BodyReader != nil {
		c.Flags |= cx.RequestPullBody
		c.PullSize = cx.UnknownSize
		if _, again := begins(r.BodyReader); again {
			c.Flags |= cx.RequestRewind
		}
		if r.BodySize > 0 {
			c.PullSize = uint64(r.BodySize)
		}
	}
}

// exchange starts a request and waits for its completion, and feeds it its body meanwhile. If that is
// the head of an answer, and the body has not ended, the feeding goes on. With join it waits for the end
// of the body's reader, too, if it does not go on.
func (s *Session) exchange(ctx context.Context, in *scope, w *waiter, body io.Reader, whole, join bool) *Error {
	defer w.watched()()
	start := func(tail cx.Tail) cx.Started { return cx.HTTP(s.id, tail, whole, &w.request) }
	if body == nil {
		e := s.loop.callIn(ctx, in, w, start)
		w.request.Body = nil
		return e
	}
	u := &upload{loop: s.loop, body: body, pulls: make(chan pull, 1), ended: make(chan struct{}), waits: w}
	u.begin, _ = begins(body)
	go u.run()
	w.flags = 0
	e := s.loop.callVia(ctx, in, w, u, start)
	if e == nil && w.flags&cx.More != 0 {
		return nil
	}
	u.end()
	if join {
		<-u.ended
	}
	if e != nil && e.Status == ErrBody {
		if failed := u.err.Load(); failed != nil {
			e.Cause = *failed
		}
	}
	return e
}
