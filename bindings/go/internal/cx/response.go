package cx

/*
#include "shim.h"
*/
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// ResponseHead calls field for the URL (name "") and for each header of a response; with release it
// gives the response up, after those of the trailer, behind one with the name "\n". buffer is scratch
// space; the answer is one that is at least as big.
func ResponseHead(response uint64, buffer []byte, release bool, field func(name, value []byte)) ([]byte, int32) {
	return unpack(buffer, field, func(into *C.char, size C.size_t) C.int64_t {
		return C.cx_response_head(C.uint64_t(response), into, size, C.int32_t(flag(release)))
	})
}

// ResponseTrailer calls field for each field behind the body.
func ResponseTrailer(response uint64, field func(name, value []byte)) {
	unpack(nil, field, func(into *C.char, size C.size_t) C.int64_t {
		return C.cx_response_trailer(C.uint64_t(response), into, size)
	})
}

// ResponseInfo is creche_response_info: points and spans of time, numbers, texts (peer, local, TLS version,
// cipher and protocol, reason, method), and the certificates.
type ResponseInfo struct {
	Started, Connected, Sent, FirstByte, Ended                int64
	BodyBytes, DecodedBytes, RequestBytes, Connection         uint64
	Reused, TLS                                               bool
	Redirects, Attempts, HTTPMajor, HTTPMinor                 uint32
	QueueTime, DNSTime, ConnectTime, ProxyTime, HandshakeTime int64
	RetryAfter                                                int64
	HeadBytes                                                 uint64
	CipherID                                                  uint16
	Texts                                                     [7]string
	Certificates                                              [][]byte
}

// Info of a response.
func Info(response uint64) (info ResponseInfo, status int32) {
	var c C.creche_response_info
	n := 0
	_, status = unpack(nil, func(name, value []byte) {
		if n < len(info.Texts) {
			info.Texts[n] = string(name)
		} else {
			info.Certificates = append(info.Certificates, append([]byte(nil), value...))
		}
		n++
	}, func(into *C.char, size C.size_t) C.int64_t {
		return C.cx_response_info(C.uint64_t(response), &c, into, size)
	})
	info.Started, info.Connected, info.Sent = int64(c.started), int64(c.connected), int64(c.sent)
	info.FirstByte, info.Ended = int64(c.first_byte), int64(c.ended)
	info.BodyBytes, info.DecodedBytes = uint64(c.body_bytes), uint64(c.decoded_bytes)
	info.RequestBytes, info.Connection = uint64(c.request_bytes), uint64(c.connection)
	info.Reused, info.TLS = c.reused != 0, c.tls != 0
	info.Redirects, info.Attempts = uint32(c.redirects), uint32(c.attempts)
	info.HTTPMajor, info.HTTPMinor = uint32(c.http_major), uint32(c.http_minor)
	info.QueueTime, info.DNSTime, info.ConnectTime = int64(c.queue_time), int64(c.dns_time), int64(c.connect_time)
	info.ProxyTime, info.HandshakeTime = int64(c.proxy_time), int64(c.tls_time)
	info.RetryAfter, info.HeadBytes, info.CipherID = int64(c.retry_after), uint64(c.head_bytes), uint16(c.tls_cipher_id)
	return info, status
}

// ResponseLine is the version of HTTP, the reason behind the status, and the number of the connection if it is one
// of TLS; nothing of one that was released.
func ResponseLine(response uint64) (major, minor int, reason string, overTLS uint64) {
	var info C.creche_response_info
	if C.creche_response_get_info(C.creche_response{id: C.uint64_t(response)}, &info, C.sizeof_creche_response_info) != 0 {
		return
	}
	if info.tls != 0 {
		overTLS = uint64(info.connection)
	}
	return int(info.http_major), int(info.http_minor), C.GoString(info.reason), overTLS
}

// unpack calls field for each of what fill packs into a buffer, which it returns.
func unpack(buffer []byte, field func(name, value []byte), fill func(into *C.char, size C.size_t) C.int64_t) ([]byte, int32) {
	if len(buffer) == 0 {
		buffer = make([]byte, 4096)
	}
	for {
		n := int64(fill((*C.char)(unsafe.Pointer(&buffer[0])), C.size_t(len(buffer))))
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
