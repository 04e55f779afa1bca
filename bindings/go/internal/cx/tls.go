package cx

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// Flags and versions of TLS.
const (
	TLSInsecure  = C.CRECHE_TLS_INSECURE
	TLSSystemCAs = C.CRECHE_TLS_SYSTEM_CAS
	TLSNoALPN    = C.CRECHE_TLS_NO_ALPN
	TLSNoResume  = C.CRECHE_TLS_NO_RESUME
	TLS12        = C.CRECHE_TLS_1_2
	TLS13        = C.CRECHE_TLS_1_3
)

// TLSOptions are those of creche_tls_options. Texts: in the order of cx_tls_open; "" is none.
type TLSOptions struct {
	Flags, MinVersion, MaxVersion uint32
	Texts                         [10]string
	CA, Cert, Key                 []byte
	Pins                          []string
}

// TLSOpen makes settings of TLS; reads files, and blocks for that.
func TLSOpen(to TLSOptions) Started {
	o := defaults.tls
	o.flags = C.uint32_t(to.Flags)
	o.min_version, o.max_version = C.uint32_t(to.MinVersion), C.uint32_t(to.MaxVersion)
	o.ca_size, o.cert_size, o.key_size = C.size_t(len(to.CA)), C.size_t(len(to.Cert)), C.size_t(len(to.Key))
	o.pins_count = C.size_t(len(to.Pins))
	var texts []byte
	for _, given := range append(to.Texts[:len(to.Texts):len(to.Texts)], to.Pins...) {
		if refused := whole("the TLS settings", given); refused != nil {
			return Started{Failure: refused}
		}
		texts = append(append(texts, given...), 0)
	}
	bytes := func(b []byte) unsafe.Pointer {
		if len(b) == 0 {
			return nil
		}
		return unsafe.Pointer(unsafe.SliceData(b))
	}
	return answer(C.cx_tls_open(o, (*C.char)(unsafe.Pointer(&texts[0])), bytes(to.CA), bytes(to.Cert), bytes(to.Key)))
}

// TLSRelease gives settings up.
func TLSRelease(tls uint64) { C.creche_tls_release(C.creche_tls{id: C.uint64_t(tls)}) }
