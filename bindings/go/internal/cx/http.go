package cx

/*
#include "shim.h"
*/
import "C"

import (
	"encoding/binary"
	"strconv"
	"time"
	"unsafe"
)

// Flags of sessions and requests.
const (
	SessionInsecure = C.CRECHE_SESSION_INSECURE
	SessionNoDecode = C.CRECHE_SESSION_NO_DECODE
	SessionLenient  = C.CRECHE_SESSION_LENIENT
	SessionEnvProxy = C.CRECHE_SESSION_ENV_PROXY
	RequestNoDecode = C.CRECHE_REQUEST_NO_DECODE
	RequestPullBody = C.CRECHE_REQUEST_PULL_BODY
	RequestNoRetry  = C.CRECHE_REQUEST_NO_RETRY
	RequestLenient  = C.CRECHE_REQUEST_LENIENT

	SessionNetrc        = C.CRECHE_SESSION_NETRC
	SessionNoDowngrade  = C.CRECHE_SESSION_NO_DOWNGRADE
	SessionPublicOnly   = C.CRECHE_SESSION_PUBLIC_ONLY
	RequestNoCookies    = C.CRECHE_REQUEST_NO_COOKIES
	RequestNoAuth       = C.CRECHE_REQUEST_NO_AUTH
	RequestRewind       = C.CRECHE_REQUEST_REWIND
	SessionFailOnStatus = C.CRECHE_SESSION_FAIL_ON_STATUS
	SessionNoRetry      = C.CRECHE_SESSION_NO_RETRY
	RequestFailOnStatus = C.CRECHE_REQUEST_FAIL_ON_STATUS
	RequestAnyStatus    = C.CRECHE_REQUEST_ANY_STATUS
	RequestMultipart    = C.CRECHE_REQUEST_MULTIPART
	RequestExpect       = C.CRECHE_REQUEST_EXPECT
	CodingGzip          = C.CRECHE_CODING_GZIP
	CodingDeflate       = C.CRECHE_CODING_DEFLATE

	UnknownSize = uint64(C.CRECHE_UNKNOWN_SIZE)
	Default     = uint32(C.CRECHE_DEFAULT)
)

// Timeouts of the phases of a request; 0 is the default of the session, or of the library.
type Timeouts struct {
	Pool, DNS, Connect, TLS, Send, FirstByte, ReadGap, Proxy time.Duration
}

func (t Timeouts) fill(c *C.creche_http_timeouts) {
	set(&c.pool, t.Pool)
	set(&c.dns, t.DNS)
	set(&c.connect, t.Connect)
	set(&c.tls, t.TLS)
	set(&c.send, t.Send)
	set(&c.first_byte, t.FirstByte)
	set(&c.read_gap, t.ReadGap)
	set(&c.proxy, t.Proxy)
}

// SessionOptions: nil and 0 are the library's defaults.
type SessionOptions struct {
	Flags                                         uint32
	Limit, LimitPerHost, MaxWaiting, MaxRedirects *uint32
	DNSTTL                                        *uint32 // milliseconds
	MaxHeaderBytes                                uint32
	MaxBody                                       uint64
	KeepAlive                                     time.Duration
	MaxLifetime                                   time.Duration
	MaxRequests, StreamsPerConnection, Versions   uint32
	Timeouts                                      Timeouts
	UserAgent                                     *string
	CAFile, BaseURL                               string
	TLS, ProxyTLS                                 uint64
	Headers                                       [][2]string
	ProxyHeaders                                  [][2]string
	Retry                                         *Retry
	Proxy, NoProxy, UnixPath, LocalAddress        string
	Auth                                          Auth
	Hosts                                         [][2]string
	Cookies                                       uint64
	RedirectHosts, PrivateHeaders                 string
	RatePerHost, BurstPerHost                     uint32
	RateInterval                                  time.Duration
	DNSNegativeTTL, DNSStale                      uint32 // milliseconds
	Watch                                         uint64 // of Watch; 0: none
	MaxExpansion                                  uint32
	Sockets                                       SocketOptions
	Middleware                                    uint64 // of Middleware; 0: none
}

// Versions of HTTP.
const (
	HTTP11 = C.CRECHE_HTTP_1_1
	HTTP2  = C.CRECHE_HTTP_2
)

// Auth is what servers are shown; no schemes: nothing.
type Auth struct {
	Schemes      uint32 // C.CRECHE_AUTH_*
	User, Secret string
	Source       uint64 // of TokenSource; 0: none
}

// Schemes of Auth.
const (
	AuthBasic  = C.CRECHE_AUTH_BASIC
	AuthDigest = C.CRECHE_AUTH_DIGEST
	AuthBearer = C.CRECHE_AUTH_BEARER
)

func (a Auth) texts() [3]string {
	if a.Schemes == 0 {
		return [3]string{}
	}
	if a.Source != 0 {
		return [3]string{strconv.Itoa(int(a.Schemes)), strconv.FormatUint(a.Source, 10), ""}
	}
	return [3]string{strconv.Itoa(int(a.Schemes)), a.User, a.Secret}
}

// packTexts, each with its NUL.
func packTexts(what string, all ...string) ([]byte, *Failure) {
	var packed []byte
	for _, text := range all {
		if refused := whole(what, text); refused != nil {
			return nil, refused
		}
		packed = append(append(packed, text...), 0)
	}
	return packed, nil
}

// SessionOpen opens a session on a loop.
func SessionOpen(loop uint64, so SessionOptions) Started {
	if refused := whole("the CA file's name or the base URL", so.CAFile, so.BaseURL); refused != nil {
		return Started{Failure: refused}
	}
	o := defaults.session
	o.flags = C.uint32_t(so.Flags)
	setTo(&o.limit, so.Limit)
	setTo(&o.limit_per_host, so.LimitPerHost)
	setTo(&o.max_waiting, so.MaxWaiting)
	setTo(&o.max_redirects, so.MaxRedirects)
	set(&o.max_header_bytes, so.MaxHeaderBytes)
	set(&o.max_body, so.MaxBody)
	setTo(&o.dns_ttl_ms, so.DNSTTL)
	set(&o.keepalive, so.KeepAlive)
	set(&o.max_lifetime, so.MaxLifetime)
	o.max_requests = C.uint32_t(so.MaxRequests)
	o.streams_per_connection = C.uint32_t(so.StreamsPerConnection)
	o.versions = C.uint32_t(so.Versions)
	so.Timeouts.fill(&o.timeouts)
	o.tls.id, o.proxy_tls.id = C.uint64_t(so.TLS), C.uint64_t(so.ProxyTLS)
	o.headers_count = C.size_t(len(so.Headers))
	var agent *C.char
	if so.UserAgent != nil {
		if refused := whole("the user agent", *so.UserAgent); refused != nil {
			return Started{Failure: refused}
		}
		agent = text(*so.UserAgent)
	}
	retry, statuses := so.Retry.c()
	var headers []byte
	for _, all := range [][][2]string{so.Headers, so.ProxyHeaders} {
		for _, h := range all {
			if refused := whole("a header's name", h[0]); refused != nil {
				return Started{Failure: refused}
			}
			headers = packHeader(headers, h[0], h[1])
		}
	}
	o.proxy_headers_count = C.size_t(len(so.ProxyHeaders))
	auth := so.Auth.texts()
	o.rate_per_host, o.burst_per_host = C.uint32_t(so.RatePerHost), C.uint32_t(so.BurstPerHost)
	o.rate_interval = C.int64_t(so.RateInterval)
	o.max_expansion = C.uint32_t(so.MaxExpansion)
	o.dns_negative_ttl_ms, o.dns_stale_ms = C.uint32_t(so.DNSNegativeTTL), C.uint32_t(so.DNSStale)
	texts := append([]string{so.Proxy, so.NoProxy, so.UnixPath, so.LocalAddress, so.RedirectHosts, so.Sockets.Interface, so.PrivateHeaders}, auth[:]...)
	for _, host := range so.Hosts {
		texts = append(texts, host[0], host[1])
	}
	route, refused := packTexts("the way to the servers", texts...)
	if refused != nil {
		return Started{Failure: refused}
	}
	o.hosts_count = C.size_t(len(so.Hosts))
	o.cookies.id = C.uint64_t(so.Cookies)
	return answer(C.cx_session_open(C.uint64_t(loop), o, agent, maybe(so.CAFile), maybe(so.BaseURL), retry, statuses,
		(*C.char)(unsafe.Pointer(unsafe.SliceData(headers))), (*C.char)(unsafe.Pointer(&route[0])), C.uint64_t(so.Watch),
		C.uint64_t(so.Middleware), so.Sockets.c(), C.uint64_t(so.Sockets.Opened)))
}

// packHeader appends a header field as the shim reads it.
func packHeader(text []byte, name, value string) []byte {
	text = binary.NativeEndian.AppendUint32(text, uint32(len(value)))
	text = append(append(text, name...), 0)
	return append(text, value...)
}

// SessionRelease closes a session.
func SessionRelease(session uint64) {
	C.creche_session_release(C.creche_session{id: C.uint64_t(session)})
}

// SessionCounters are those of creche_session_counters, in its order.
func SessionCounters(session uint64) (values [12]uint64, status int32) {
	var c C.creche_session_counters
	status = int32(C.creche_session_get_counters(C.creche_session{id: C.uint64_t(session)}, &c,
		C.sizeof_creche_session_counters))
	values = [12]uint64{uint64(c.requests), uint64(c.connects), uint64(c.reuses), uint64(c.retries),
		uint64(c.dns_lookups), uint64(c.bytes_sent), uint64(c.bytes_received), uint64(c.active),
		uint64(c.idle), uint64(c.waiting), uint64(c.attempts), uint64(c.retries_denied)}
	return values, status
}

// Histogram is creche_histogram: count, sum, max, buckets.
type Histogram [43]uint64

// SessionTimings are those of creche_session_timings, in its order.
func SessionTimings(session uint64) (values [6]Histogram, status int32) {
	var t C.creche_session_timings
	status = int32(C.creche_session_get_timings(C.creche_session{id: C.uint64_t(session)}, &t,
		C.sizeof_creche_session_timings))
	for i, h := range []*C.creche_histogram{&t.pool, &t.dns, &t.connect, &t.tls, &t.first_byte, &t.total} {
		values[i] = *(*Histogram)(unsafe.Pointer(h))
	}
	return values, status
}

// Request says what to send. Its texts lie in one buffer, which Target, Header and Param fill, in this
// order.
type Request struct {
	Flags        uint32
	MaxRedirects uint32
	Versions     uint32
	MaxBody      uint64
	Body         []byte
	PullSize     uint64 // with RequestPullBody
	Timeouts     Timeouts
	Retry        *Retry
	Coding       uint32
	File         *File  // the body
	ToFile       *File  // where the answer's goes
	Watch        uint64 // of Watch; 0: none

	ExpectTimeout time.Duration
	TLS           uint64

	text    []byte
	count   int // of headers
	params  int
	way     []byte
	parts   []C.cx_part
	form    bool
	refused *Failure
}

// Target sets the URL and the method; it comes first.
func (r *Request) Target(url, method string) {
	r.text = append(append(r.text[:0], url...), 0)
	r.text = append(append(r.text, method...), 0)
	r.parts, r.form = r.parts[:0], false
	r.count, r.params, r.way, r.refused = 0, 0, nil, whole("the URL or method", url, method)
}

// By sets the proxy, the Unix path, the private headers and the auth; what is empty is the session's.
func (r *Request) By(proxy, unixPath, private string, auth Auth) {
	if proxy == "" && unixPath == "" && private == "" && auth.Schemes == 0 {
		return
	}
	shown := auth.texts()
	way, refused := packTexts("the way to the server", proxy, unixPath, private, shown[0], shown[1], shown[2])
	r.way = way
	if r.refused == nil {
		r.refused = refused
	}
}

// Header adds a header field.
func (r *Request) Header(name, value string) {
	r.text = packHeader(r.text, name, value)
	r.count++
	if r.refused == nil {
		r.refused = whole("a header's name", name)
	}
}

// Param adds a parameter of the URL.
func (r *Request) Param(name, value string) {
	r.text = packHeader(r.text, name, value)
	r.params++
	if r.refused == nil {
		r.refused = whole("a parameter's name", name)
	}
}

// HTTP starts a request: whole, or up to the head of its answer.
func HTTP(session uint64, tail Tail, whole bool, r *Request) Started {
	if r.refused != nil {
		return Started{Failure: r.refused}
	}
	body, statuses := r.body()
	return answer(C.cx_http(C.uint64_t(session), tail.c(), C.int32_t(flag(whole)), r.options(), body, statuses, r.where(),
		(*C.char)(unsafe.Pointer(&r.text[0])), (*C.char)(unsafe.Pointer(unsafe.SliceData(r.way))), unsafe.Pointer(unsafe.SliceData(r.Body))))
}

// WarmUp has connections opened to where a request would go, until there are count.
func WarmUp(session uint64, tail Tail, count uint32, r *Request) Started {
	if r.refused != nil {
		return Started{Failure: r.refused}
	}
	body, statuses := r.body()
	return answer(C.cx_warm_up(C.uint64_t(session), tail.c(), C.uint32_t(count), r.options(), body, statuses, r.where(),
		(*C.char)(unsafe.Pointer(&r.text[0])), (*C.char)(unsafe.Pointer(unsafe.SliceData(r.way))), unsafe.Pointer(unsafe.SliceData(r.Body))))
}

func (r *Request) options() C.creche_request_options {
	o := defaults.request
	o.flags = C.uint32_t(r.Flags)
	o.headers_count = C.size_t(r.count)
	o.params_count = C.size_t(r.params)
	o.max_redirects = C.uint32_t(r.MaxRedirects)
	o.versions = C.uint32_t(r.Versions)
	set(&o.max_body, r.MaxBody)
	o.body_size = C.size_t(len(r.Body))
	if r.Flags&RequestPullBody != 0 {
		o.body_size = C.size_t(r.PullSize)
	}
	r.Timeouts.fill(&o.timeouts)
	o.coding = C.uint32_t(r.Coding)
	o.form_count = C.size_t(len(r.parts))
	set(&o.expect_timeout, r.ExpectTimeout)
	o.tls.id = C.uint64_t(r.TLS)
	return o
}

// JoinURL is creche_url_join.
func JoinURL(base, reference string) (string, *Failure) {
	if refused := whole("a URL", base, reference); refused != nil {
		return "", refused
	}
	text := append(append(append([]byte(base), 0), reference...), 0)
	joined := make([]byte, len(text)+8)
	a := answer(C.cx_url_join((*C.char)(unsafe.Pointer(&text[0])), (*C.char)(unsafe.Pointer(&joined[0])),
		C.size_t(len(joined))))
	if a.Failure != nil {
		return "", a.Failure
	}
	return string(joined[:a.ID]), nil
}

// Read starts a read of a response's body.
func Read(response uint64, tail Tail, capacity int) Started {
	return answer(C.cx_read(C.uint64_t(response), tail.c(), C.size_t(capacity)))
}
