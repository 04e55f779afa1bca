package creche

import (
	"net/http"
	"time"

	"libcreche/creche/internal/cx"
)

// WatchKind says what happened.
type WatchKind uint32

// Kinds of events.
const (
	WatchRequestStart WatchKind = iota
	WatchRequestEnd             // it has ended: its answer has come whole, or it failed, or was cancelled
	WatchRedirect
	WatchAgain // it is made again
	WatchQueueStart
	WatchQueueEnd
	WatchConnectionStart
	WatchConnectionEnd
	WatchConnectionReused
	WatchConnectionClosed
	WatchDNSStart
	WatchDNSEnd
	WatchDNSCacheHit
	WatchDNSCacheMiss
	WatchTCPStart
	WatchTCPEnd
	WatchProxyStart
	WatchProxyEnd
	WatchTLSStart
	WatchTLSEnd
	WatchHeadersSent
	WatchChunkSent
	WatchInformational // an answer before the answer: 103 Early Hints and the like
	WatchHeadersReceived
	WatchChunkReceived
)

// WatchEvent is something that happened to a request, or to a connection.
type WatchEvent struct {
	Kind       WatchKind
	Task       uint64        // that makes the request; 0: none
	Time       time.Duration // when, on the loop's clock
	Duration   time.Duration // of what has an end
	Status     Status        // 0, or how it failed
	HTTPStatus int           // of the last head, or 0
	Connection uint64        // its number in the session; 0: none yet
	Bytes      uint64        // of what was sent or received, so far
	Method     string
	URL        string      // without user info and query
	Peer       string      // the other end of the connection
	Header     http.Header // of heads that have come
	Message    string      // what went wrong
}

// watch has C call the user's function.
func watch(tell func(*WatchEvent)) uint64 {
	if tell == nil {
		return 0
	}
	return cx.Watch(func(e *cx.WatchEvent) {
		event := &WatchEvent{Kind: WatchKind(e.Event), Task: e.Task, Time: time.Duration(e.Time),
			Duration: time.Duration(e.Duration), Status: Status(e.Status), HTTPStatus: int(e.HTTPStatus),
			Connection: e.Connection, Bytes: e.Bytes, Method: e.Method, URL: e.URL, Peer: e.Peer, Message: e.Message}
		for _, h := range e.Headers {
			addField(&event.Header, []byte(h[0]), []byte(h[1]))
		}
		tell(event)
	})
}

// watched has C call who watches the request. What it returns is for when its call is over.
func (w *waiter) watched() func() {
	if w.tell == nil {
		return func() {}
	}
	number := watch(w.tell)
	w.request.Watch = number
	return func() { cx.WatchOver(number) }
}

// policies makes C's options of ours.
func (o *SessionOptions) policies(c *cx.SessionOptions) {
	if o.NoDowngrade {
		c.Flags |= cx.SessionNoDowngrade
	}
	if o.PublicOnly {
		c.Flags |= cx.SessionPublicOnly
	}
	c.RedirectHosts, c.RateInterval = o.RedirectHosts, max(o.RateInterval, 0)
	c.RatePerHost, c.BurstPerHost = uint32(max(o.RatePerHost, 0)), uint32(max(o.BurstPerHost, 0))
	c.DNSNegativeTTL, c.DNSStale = *ttl(max(o.DNSNegativeTTL, 1)), *ttl(max(o.DNSStale, 1))
	c.Middleware = middleware(o.Middleware)
	c.MaxExpansion = uint32(max(o.MaxExpansion, 0))
	c.Sockets, c.PrivateHeaders = o.Sockets.c(), o.PrivateHeaders
	c.Watch, c.ProxyTLS = watch(o.Watch), o.ProxyTLS.handle()
}
