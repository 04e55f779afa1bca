package creche

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"libcreche/creche/internal/cx"
)

// SessionOptions of NewSession. 0 is the default, in numbers negative is no limit.
type SessionOptions struct {
	Loop           *Loop         // nil: the default one
	Limit          int           // connections, idle ones too; 100
	LimitPerHost   int           // none
	MaxWaiting     int           // requests waiting for a connection; no limit
	MaxRedirects   int           // 10; negative: none is followed
	MaxHeaderBytes int           // 64 KiB
	MaxBody        int64         // of a whole body, decoded; 64 MiB
	KeepAlive      time.Duration // 15 s
	DNSTTL         time.Duration // how long a resolved name is kept; 10 s; negative: not at all
	Timeouts       Timeouts
	UserAgent      string // "-" for none
	CAFile         string // PEM file of trusted certificates instead of the system's
	BaseURL        string // what URLs without a scheme are joined to, as JoinURL does; end its path with a slash
	Insecure       bool   // do not verify certificates: for tests only
	NoDecode       bool   // leave bodies coded
	// Take responses of old and small servers that are refused otherwise, as far as they can be read in
	// one way only: line feeds alone, folded lines of framing fields, equal Content-Lengths, blanks behind
	// the size of a chunk.
	Lenient bool
	Header  http.Header

	FailOnStatus bool   // a status of 400 or above is a failure, ErrHTTPStatus
	Retry        *Retry // when requests are made again
	NoRetry      bool   // nothing is ever sent again, also when a kept connection was dead
	// "http://user:password@host:port", https://, socks5:// (names are resolved here) or socks5h://; "":
	// none, or the environment's with EnvProxy; "direct": none.
	Proxy       string
	ProxyHeader http.Header // for http and https proxies alone
	NoProxy     string      // hosts that need none, separated by commas
	EnvProxy    bool        // takes what is not given from the environment, read now
}

// Session is an HTTP client that keeps connections. It is safe for concurrent use.
type Session struct {
	loop *Loop
	id   uint64
}

// orNone turns "0 is the default, negative is none" into what C wants.
func orNone(n int) *uint32 {
	if n == 0 {
		return nil
	}
	value := uint32(max(n, 0))
	return &value
}

// ttl in whole milliseconds; what is shorter is none.
func ttl(d time.Duration) *uint32 {
	if d == 0 {
		return nil
	}
	value := uint32(min(max(d.Milliseconds(), 0), math.MaxUint32))
	return &value
}

// pairs of names and values.
func pairs(header http.Header) (all [][2]string) {
	for name, values := range header {
		for _, value := range values {
			all = append(all, [2]string{name, value})
		}
	}
	return all
}

// NewSession opens a session. It connects nowhere yet.
func NewSession(options *SessionOptions) (*Session, error) {
	o := SessionOptions{}
	if options != nil {
		o = *options
	}
	l, err := o.Loop.orDefault()
	if err != nil {
		return nil, err
	}
	c := cx.SessionOptions{
		Limit: orNone(o.Limit), LimitPerHost: orNone(o.LimitPerHost), MaxWaiting: orNone(o.MaxWaiting),
		MaxRedirects: orNone(o.MaxRedirects), MaxHeaderBytes: uint32(o.MaxHeaderBytes), MaxBody: uint64(max(o.MaxBody, 0)),
		KeepAlive: o.KeepAlive, DNSTTL: ttl(o.DNSTTL), Timeouts: o.Timeouts.c(), CAFile: o.CAFile, BaseURL: o.BaseURL,
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
	c.Proxy, c.NoProxy = o.Proxy, o.NoProxy
	opened := cx.SessionOpen(l.id, c)
	if opened.Failure != nil {
		return nil, newError(opened.Failure, nil)
	}
	return &Session{loop: l, id: opened.ID}, nil
}

// Close closes the session's connections; requests in flight end with ErrClosed.
func (s *Session) Close() error {
	cx.SessionRelease(s.id)
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

// Request is what Do and Send send.
type Request struct {
	Method string // default: GET, or POST with a body
	URL    string
	Params [][2]string // names and values, appended to the query of the URL, percent-encoded
	Header http.Header

	// The body: bytes; or a reader, from which it is pulled while it is sent. BodySize is what a reader
	// will give; 0 if that is not known (sent chunked). A reader that is an io.Closer is closed.
	Body       []byte
	BodyReader io.Reader
	BodySize   int64

	MaxBody      int64 // of a whole answer; 0: the session's
	MaxRedirects int   // 0: the session's; negative: none is followed
	NoDecode     bool  // leave the answer's body coded
	NoRetry      bool  // never send again: neither when a kept connection was dead, nor by a Retry
	Lenient      bool  // as SessionOptions.Lenient, for this request
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
}

// Response is a whole answer. It holds no resources.
type Response struct {
	Status int
	Header http.Header
	URL    string // that answered, after redirects
	Body   []byte
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
	if response.URL, response.Header, e = w.head(true); e != nil {
		return nil, e
	}
	return response, nil
}

// fill makes C's request of ours.
func (w *waiter) fill(r *Request) {
	c := &w.request
	c.Target(r.URL, r.Method)
	c.By(r.Proxy)
	for name, values := range r.Header {
		for _, value := range values {
			c.Header(name, value)
		}
	}
	for _, p := range r.Params {
		c.Param(p[0], p[1])
	}
	c.Flags, c.Body, c.PullSize = 0, r.Body, 0
	c.MaxBody, c.MaxRedirects, c.Timeouts = uint64(max(r.MaxBody, 0)), cx.Default, r.Timeouts.c()
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
	r.fillBody(c)
	if r.BodyReader != nil {
		c.Flags |= cx.RequestPullBody
		c.PullSize = cx.UnknownSize
		if r.BodySize > 0 {
			c.PullSize = uint64(r.BodySize)
		}
	}
}

// exchange starts a request and waits for its completion, and feeds it its body meanwhile. If that is
// the head of an answer, and the body has not ended, the feeding goes on. With join it waits for the end
// of the body's reader, too, if it does not go on.
func (s *Session) exchange(ctx context.Context, in *scope, w *waiter, body io.Reader, whole, join bool) *Error {
	start := func(tail cx.Tail) cx.Started { return cx.HTTP(s.id, tail, whole, &w.request) }
	if body == nil {
		e := s.loop.callIn(ctx, in, w, start)
		w.request.Body = nil
		return e
	}
	u := &upload{loop: s.loop, body: body, pulls: make(chan pull, 1), ended: make(chan struct{}), waits: w}
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

// upload feeds a request its body, from a goroutine that may block in the body's Read.
type upload struct {
	loop  *Loop
	body  io.Reader
	pulls chan pull
	ended chan struct{}
	once  sync.Once // of end
	shut  sync.Once // of close
	err   atomic.Pointer[error]
	waits *waiter // for the answer; on the goroutine that drains the queue, nil once it has come
}

// deliver gets the pulls, and the answer before or behind the last of them.
func (u *upload) deliver(ev *cx.Event) {
	last := ev.Flags&cx.More == 0
	w := u.waits
	switch {
	case !last && ev.Kind == cx.Pull:
		u.loop.hold()
		u.pulls <- pull{ev.Task, int(ev.Value)}
	case w != nil:
		u.waits = nil
		w.deliver(ev) // who waits ends the feeding
	case last:
		go u.end() // calls the user's Close
	}
}

// end says that nothing is pulled any more.
func (u *upload) end() {
	u.once.Do(func() {
		close(u.pulls)
		u.close()
	})
}

type pull struct {
	task uint64
	room int
}

func (u *upload) run() {
	defer close(u.ended)
	defer u.close()
	var buffer []byte
	for p := range u.pulls {
		if room := min(max(p.room, 4096), 256<<10); len(buffer) < room {
			buffer = make([]byte, room)
		}
		n, err := 0, error(nil)
		for tries := 0; n == 0 && err == nil; tries++ {
			if tries == 100 {
				err = io.ErrNoProgress
				break
			}
			n, err = u.body.Read(buffer)
		}
		switch {
		case err == nil:
			cx.TaskAnswer(p.task, 0, buffer[:n], true, "")
		case err == io.EOF:
			cx.TaskAnswer(p.task, 0, buffer[:n], false, "")
		default:
			u.err.Store(&err)
			cx.TaskAnswer(p.task, int32(ErrUser), nil, false, "reading the body: "+err.Error())
		}
		u.loop.letGo()
	}
}

// close closes the body, which ends a Read that waits.
func (u *upload) close() {
	u.shut.Do(func() {
		if closer, ok := u.body.(io.Closer); ok {
			closer.Close()
		}
	})
}

// head copies the URL and the headers of the response that w has.
func (w *waiter) head(release bool) (url string, header http.Header, e *Error) {
	header = make(http.Header, 8)
	var status int32
	w.scratch, status = cx.ResponseHead(w.value, w.scratch, release, func(name, value []byte) {
		if len(name) == 0 {
			url = string(value)
			return
		}
		key := textproto.CanonicalMIMEHeaderKey(string(name))
		header[key] = append(header[key], string(value))
	})
	if status != 0 {
		cx.ResponseRelease(w.value)
		return "", nil, &Error{Status: Status(status), Message: "the response was released"}
	}
	return url, header, nil
}
