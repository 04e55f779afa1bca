package creche

import (
	"net/http"
	"net/textproto"
	"time"

	"libcreche/creche/internal/cx"
)

// ResponseInfo tells how an answer was fetched. Points of time are on the loop's clock, 0 for what did not
// happen.
type ResponseInfo struct {
	Started, Connected, Sent, FirstByte, Ended time.Duration

	BodyBytes    uint64 // of the answer, as received, coded
	DecodedBytes uint64 // of a stream what has been read so far
	RequestBytes uint64 // head and body, in the last attempt
	Connection   uint64 // its number in the session, from 1 on
	Reused       bool   // it had carried others
	Redirects    int
	Attempts     int // 1, and what a Retry made after the first
	HTTPMajor    int
	HTTPMinor    int

	// How long it took: in line for a connection; the steps of one that was made for it.
	QueueTime, DNSTime, ConnectTime, ProxyTime, TLSTime time.Duration

	Peer, Local           string // ends of the connection, "192.0.2.1:443"
	TLSVersion, TLSCipher string // "" without TLS
	TLSCipherID           uint16 // the number of TLSCipher at IANA
	ALPN                  string // the protocol that the TLS handshake agreed on

	Reason     string        // behind the status: "Not Found"; "" for none, as in HTTP/2
	Method     string        // of the request that was answered: redirects may have made another of it
	RetryAfter time.Duration // what Retry-After asks to wait; below 0: nothing
	HeadBytes  uint64        // of the answer's head, as received; in HTTP/2 before compression

	// What the server has shown, as DER: its own first.
	Certificates [][]byte
}

func infoOf(response uint64) *ResponseInfo {
	i, status := cx.Info(response)
	if status != 0 {
		return nil
	}
	d := func(n int64) time.Duration { return time.Duration(n) }
	return &ResponseInfo{
		Started: d(i.Started), Connected: d(i.Connected), Sent: d(i.Sent), FirstByte: d(i.FirstByte), Ended: d(i.Ended),
		BodyBytes: i.BodyBytes, DecodedBytes: i.DecodedBytes, RequestBytes: i.RequestBytes, Connection: i.Connection,
		Reused: i.Reused, Redirects: int(i.Redirects), Attempts: int(i.Attempts),
		HTTPMajor: int(i.HTTPMajor), HTTPMinor: int(i.HTTPMinor),
		QueueTime: d(i.QueueTime), DNSTime: d(i.DNSTime), ConnectTime: d(i.ConnectTime), ProxyTime: d(i.ProxyTime),
		TLSTime: d(i.HandshakeTime), Peer: i.Texts[0], Local: i.Texts[1], TLSVersion: i.Texts[2], TLSCipher: i.Texts[3],
		TLSCipherID: i.CipherID, ALPN: i.Texts[4], Reason: i.Texts[5], Method: i.Texts[6], RetryAfter: d(i.RetryAfter),
		HeadBytes: i.HeadBytes, Certificates: i.Certificates,
	}
}

// Info tells how the answer was fetched; nil once the Stream has ended or was closed.
func (s *Stream) Info() *ResponseInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handle == 0 {
		return nil
	}
	return infoOf(s.handle)
}

// takeTrailer keeps what came behind the body, while the response is there.
func (s *Stream) takeTrailer() {
	cx.ResponseTrailer(s.handle, func(name, value []byte) { addField(&s.Trailer, name, value) })
	if s.of != nil {
		s.of.Trailer = s.Trailer
	}
}

func addField(header *http.Header, name, value []byte) {
	if *header == nil {
		*header = make(http.Header, 4)
	}
	key := textproto.CanonicalMIMEHeaderKey(string(name))
	(*header)[key] = append((*header)[key], string(value))
}

// head copies the URL and the headers of the response that w has, and with release the trailer.
func (w *waiter) head(release bool) (url string, header, trailer http.Header, e *Error) {
	header = make(http.Header, 8)
	behind := false
	var status int32
	w.scratch, status = cx.ResponseHead(w.value, w.scratch, release, func(name, value []byte) {
		if len(name) == 0 {
			url = string(value)
			return
		}
		if behind = behind || name[0] == '\n'; behind {
			if name[0] != '\n' {
				addField(&trailer, name, value)
			}
			return
		}
		key := textproto.CanonicalMIMEHeaderKey(string(name))
		header[key] = append(header[key], string(value))
	})
	if status != 0 {
		cx.ResponseRelease(w.value)
		return "", nil, nil, &Error{Status: Status(status), Message: "the response was released"}
	}
	return url, header, trailer, nil
}
