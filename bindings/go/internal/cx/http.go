package cx

/*
#include "shim.h"
*/
import "C"

import (
	"encoding/binary"
	"time"
	"unsafe"
)

// Flags of sessions and requests.
const (
	SessionInsecure = C.CRECHE_SESSION_INSECURE
	SessionNoDecode = C.CRECHE_SESSION_NO_DECODE
	SessionLenient  = C.CRECHE_SESSION_LENIENT
	RequestNoDecode = C.CRECHE_REQUEST_NO_DECODE
	RequestPullBody = C.CRECHE_REQUEST_PULL_BODY
	RequestNoRetry  = C.CRECHE_REQUEST_NO_RETRY
	RequestLenient  = C.CRECHE_REQUEST_LENIENT
	UnknownSize     = uint64(C.CRECHE_UNKNOWN_SIZE)
	Default         = uint32(C.CRECHE_DEFAULT)
)

// Timeouts of the phases of a request; 0 is the default of the session, or of the library.
type Timeouts struct {
	Pool, DNS, Connect, TLS, Send, FirstByte, ReadGap time.Duration
}

func (t Timeouts) fill(c *C.creche_http_timeouts) {
	set := func(field *C.int64_t, d time.Duration) {
		if d != 0 {
			*field = nanoseconds(d)
		}
	}
	set(&c.pool, t.Pool)
	set(&c.dns, t.DNS)
	set(&c.connect, t.Connect)
	set(&c.tls, t.TLS)
	set(&c.send, t.Send)
	set(&c.first_byte, t.FirstByte)
	set(&c.read_gap, t.ReadGap)
}

// SessionOptions: nil and 0 are the library's defaults.
type SessionOptions struct {
	Flags                                         uint32
	Limit, LimitPerHost, MaxWaiting, MaxRedirects *uint32
	DNSTTL                                        *uint32 // milliseconds
	MaxHeaderBytes                                uint32
	MaxBody                                       uint64
	KeepAlive                                     time.Duration
	Timeouts                                      Timeouts
	UserAgent                                     *string
	CAFile                                        string
	Headers                                       [][2]string
}

// SessionOpen opens a session on a loop.
func SessionOpen(loop uint64, so SessionOptions) Started {
	var frees []unsafe.Pointer
	defer func() {
		for _, p := range frees {
			C.free(p)
		}
	}()
	cstring := func(s string) *C.char {
		p := C.CString(s)
		frees = append(frees, unsafe.Pointer(p))
		return p
	}
	var o C.creche_session_options
	C.creche_session_options_init(&o, C.sizeof_creche_session_options)
	number := func(field *C.uint32_t, value *uint32) {
		if value != nil {
			*field = C.uint32_t(*value)
		}
	}
	o.flags = C.uint32_t(so.Flags)
	number(&o.limit, so.Limit)
	number(&o.limit_per_host, so.LimitPerHost)
	number(&o.max_waiting, so.MaxWaiting)
	number(&o.max_redirects, so.MaxRedirects)
	if so.MaxHeaderBytes != 0 {
		o.max_header_bytes = C.uint32_t(so.MaxHeaderBytes)
	}
	if so.MaxBody != 0 {
		o.max_body = C.uint64_t(so.MaxBody)
	}
	number(&o.dns_ttl_ms, so.DNSTTL)
	if so.KeepAlive != 0 {
		o.keepalive = nanoseconds(so.KeepAlive)
	}
	so.Timeouts.fill(&o.timeouts)
	if so.UserAgent != nil {
		o.user_agent = cstring(*so.UserAgent)
	}
	if so.CAFile != "" {
		o.ca_file = cstring(so.CAFile)
	}
	if n := len(so.Headers); n != 0 {
		memory := C.calloc(C.size_t(n), C.sizeof_creche_header)
		frees = append(frees, memory)
		headers := unsafe.Slice((*C.creche_header)(memory), n)
		for i, h := range so.Headers {
			headers[i].name = cstring(h[0])
			headers[i].value = cstring(h[1])
			headers[i].value_size = C.size_t(len(h[1]))
		}
		o.headers, o.headers_count = &headers[0], C.size_t(n)
	}
	return answer(C.cx_session_open(C.uint64_t(loop), &o))
}

// SessionRelease closes a session.
func SessionRelease(session uint64) {
	C.creche_session_release(C.creche_session{id: C.uint64_t(session)})
}

// SessionCounters are those of creche_session_counters, in its order.
func SessionCounters(session uint64) (values [10]uint64, status int32) {
	var c C.creche_session_counters
	status = int32(C.creche_session_get_counters(C.creche_session{id: C.uint64_t(session)}, &c,
		C.sizeof_creche_session_counters))
	values = [10]uint64{uint64(c.requests), uint64(c.connects), uint64(c.reuses), uint64(c.retries),
		uint64(c.dns_lookups), uint64(c.bytes_sent), uint64(c.bytes_received), uint64(c.active),
		uint64(c.idle), uint64(c.waiting)}
	return values, status
}

// Request says what to send. Its texts lie in Text, which Add makes.
type Request struct {
	Flags        uint32
	MaxRedirects uint32
	MaxBody      uint64
	Body         []byte
	PullSize     uint64 // with RequestPullBody
	Timeout      time.Duration
	Timeouts     Timeouts

	text    []byte
	method  uint32
	headers uint32
	count   uint32
}

// Target sets the URL and the method; it comes first.
func (r *Request) Target(url, method string) {
	r.text = append(append(r.text[:0], url...), 0)
	r.method, r.count = C.CX_NONE, 0
	if method != "" {
		r.method = uint32(len(r.text))
		r.text = append(append(r.text, method...), 0)
	}
	r.headers = uint32(len(r.text))
}

// Header adds a header field.
func (r *Request) Header(name, value string) {
	r.text = binary.NativeEndian.AppendUint32(r.text, uint32(len(value)))
	r.text = append(append(r.text, name...), 0)
	r.text = append(r.text, value...)
	r.count++
}

// HTTP starts a request: whole, or up to the head of its answer.
func HTTP(session uint64, tail Tail, whole bool, r *Request) Started {
	c := C.cx_request{
		flags:         C.uint32_t(r.Flags),
		method:        C.uint32_t(r.method),
		headers:       C.uint32_t(r.headers),
		headers_count: C.uint32_t(r.count),
		max_redirects: C.uint32_t(r.MaxRedirects),
		max_body:      C.uint64_t(r.MaxBody),
		body_size:     C.uint64_t(len(r.Body)),
		timeout:       nanoseconds(r.Timeout),
	}
	if r.Flags&RequestPullBody != 0 {
		c.body_size = C.uint64_t(r.PullSize)
	}
	r.Timeouts.fill(&c.timeouts)
	w := C.int32_t(0)
	if whole {
		w = 1
	}
	return answer(C.cx_http(C.uint64_t(session), tail.c(), w, (*C.char)(unsafe.Pointer(&r.text[0])),
		unsafe.Pointer(unsafe.SliceData(r.Body)), c))
}

// Read starts a read of a response's body.
func Read(response uint64, tail Tail, capacity int) Started {
	return answer(C.cx_read(C.uint64_t(response), tail.c(), C.size_t(capacity)))
}

// ResponseHead calls field for the URL (name "") and for each header of a response; with release it
// gives the response up. buffer is scratch space; the answer is one that is at least as big.
func ResponseHead(response uint64, buffer []byte, release bool, field func(name, value []byte)) ([]byte, int32) {
	if len(buffer) == 0 {
		buffer = make([]byte, 4096)
	}
	giveUp := C.int32_t(0)
	if release {
		giveUp = 1
	}
	for {
		n := int64(C.cx_response_head(C.uint64_t(response), (*C.char)(unsafe.Pointer(&buffer[0])),
			C.size_t(len(buffer)), giveUp))
		if n < 0 {
			return buffer, int32(n)
		}
		if n > int64(len(buffer)) {
			buffer = make([]byte, n)
			continue
		}
		for at := buffer[:n]; len(at) > 4; {
			size := binary.NativeEndian.Uint32(at)
			at = at[4:]
			end := 0
			for at[end] != 0 {
				end++
			}
			name := at[:end]
			at = at[end+1:]
			field(name, at[:size])
			at = at[size:]
		}
		return buffer, 0
	}
}

// ResponseRelease gives a response up.
func ResponseRelease(response uint64) {
	C.creche_response_release(C.creche_response{id: C.uint64_t(response)})
}
