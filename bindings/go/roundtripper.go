package creche

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"libcreche/creche/internal/cx"
)

// RoundTripper is the session as the Transport of an http.Client. Redirects and cookies are the
// client's business then.
func (s *Session) RoundTripper() http.RoundTripper { return &roundTripper{session: s} }

type roundTripper struct {
	session *Session
	known   tlsStates
}

// tlsStates has what TLS connections are, by their number, as of one many answers come.
type tlsStates struct {
	mu  sync.Mutex
	all map[uint64]*tls.ConnectionState
}

func (t *tlsStates) of(connection uint64, response uint64, host string) *tls.ConnectionState {
	const most = 1024
	t.mu.Lock()
	state := t.all[connection]
	t.mu.Unlock()
	if state != nil {
		return state
	}
	info, status := cx.Info(response)
	if status != 0 {
		return nil
	}
	state = &tls.ConnectionState{HandshakeComplete: true, ServerName: host, CipherSuite: info.CipherID,
		NegotiatedProtocol: info.Texts[4], Version: tlsVersions[info.Texts[2]]}
	for _, der := range info.Certificates {
		if certificate, err := x509.ParseCertificate(der); err == nil {
			state.PeerCertificates = append(state.PeerCertificates, certificate)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil || len(t.all) >= most {
		t.all = make(map[uint64]*tls.ConnectionState)
	}
	t.all[connection] = state
	return state
}

var tlsVersions = map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11,
	"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}

// wholeUpload is up to which size a body that is in memory already is sent from there, which lets the
// library send it again when a kept connection was dead.
const wholeUpload = 1 << 20

// RoundTrip implements http.RoundTripper.
func (t *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	if body == http.NoBody {
		body = nil
	}
	closeBody := func() {
		if body != nil {
			body.Close()
		}
	}
	if req.URL == nil || req.URL.Host == "" {
		closeBody()
		return nil, errors.New("creche: the request has no host in its URL")
	}
	if len(req.Trailer) > 0 {
		closeBody()
		return nil, errors.New("creche: trailers of requests are not supported")
	}
	ctx := req.Context()
	w := newWaiter(takeValue)
	defer w.free()
	decoding := req.Method != http.MethodHead && req.Header.Get("Accept-Encoding") == "" && req.Header.Get("Range") == ""
	r := Request{Method: req.Method, URL: req.URL.Scheme + "://" + req.URL.Host + req.URL.RequestURI(),
		MaxRedirects: -1, NoDecode: !decoding, AnyStatus: true}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if body != nil {
		if req.GetBody != nil && req.ContentLength > 0 && req.ContentLength <= wholeUpload {
			r.Body = make([]byte, req.ContentLength)
			_, err := io.ReadFull(body, r.Body)
			closeBody()
			body = nil
			if err != nil {
				return nil, err
			}
		} else {
			r.BodyReader, r.BodySize = body, req.ContentLength
		}
	}
	w.fill(&r)
	for name, values := range req.Header {
		switch name {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			continue
		}
		for _, value := range values {
			w.request.Header(name, value)
		}
	}
	if req.Host != "" && req.Host != req.URL.Host {
		w.request.Header("Host", req.Host)
	}
	if req.Close && req.Header.Get("Connection") == "" {
		w.request.Header("Connection", "close")
	}
	in := t.session.loop.where(ctx)
	if e := t.session.exchange(ctx, in, w, r.BodyReader, false, false); e != nil {
		return nil, e
	}
	stream, err := t.session.stream(ctx, in, w)
	if err != nil {
		return nil, err
	}
	return stream.response(req, decoding, &t.known), nil
}

// response is the stream as net/http knows it.
func (s *Stream) response(req *http.Request, decoding bool, known *tlsStates) *http.Response {
	major, minor, reason, overTLS := cx.ResponseLine(s.handle)
	if major > 1 {
		reason = http.StatusText(s.Status)
	}
	r := &http.Response{
		Status: strings.TrimSuffix(strconv.Itoa(s.Status)+" "+reason, " "), StatusCode: s.Status,
		Proto: "HTTP/" + strconv.Itoa(major) + "." + strconv.Itoa(minor), ProtoMajor: major, ProtoMinor: minor,
		Header: s.Header, Body: s, ContentLength: -1, Request: req,
	}
	if overTLS != 0 {
		r.TLS = known.of(overTLS, s.handle, req.URL.Hostname())
	}
	if coded := s.Header.Get("Transfer-Encoding"); coded != "" {
		r.TransferEncoding = []string{strings.ToLower(coded)}
		s.Header.Del("Transfer-Encoding")
	} else if length, err := strconv.ParseInt(s.Header.Get("Content-Length"), 10, 64); err == nil && length >= 0 {
		r.ContentLength = length
	}
	if coding := s.Header.Get("Content-Encoding"); decoding && coding != "" && !strings.EqualFold(coding, "identity") {
		r.Uncompressed, r.ContentLength = true, -1
		s.Header.Del("Content-Encoding")
		s.Header.Del("Content-Length")
	}
	r.Close = strings.EqualFold(s.Header.Get("Connection"), "close")
	s.of = r
	if req.Method == http.MethodHead || s.Status == http.StatusNoContent || s.Status == http.StatusNotModified ||
		r.ContentLength == 0 {
		s.Close()
		r.Body = http.NoBody
		if req.Method != http.MethodHead && r.ContentLength < 0 {
			r.ContentLength = 0
		}
	}
	return r
}
