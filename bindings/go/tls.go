package creche

import (
	"crypto/tls"
	"runtime"

	"libcreche/creche/internal/cx"
)

// TLSOptions of NewTLS. What is given as bytes is PEM or, if it is one certificate or key, DER.
type TLSOptions struct {
	CAFile, CAFolder     string   // trusted certificates in place of the system's
	CA                   []byte   // the same
	SystemCAs            bool     // trust the system's, too
	CertFile, KeyFile    string   // who the client is; no KeyFile: the key is in CertFile
	Cert, Key            []byte   // the same
	KeyPassword          string   // of an encrypted key
	MinVersion           uint16   // tls.VersionTLS12, tls.VersionTLS13; 0: TLS 1.2
	MaxVersion           uint16   // 0: the newest
	Ciphers              string   // of TLS 1.2, as OpenSSL writes them
	CipherSuites         string   // of TLS 1.3
	ServerName           string   // for SNI and the certificate, in place of the URL's host
	Pins                 []string // the server's must be one: "sha256//BASE64" or "cert-sha256:HEX"
	CRLFile, KeyLogFile  string
	Insecure             bool // verify nothing: for tests, or with pins
	NoALPN, NoResumption bool
}

// TLS are settings for sessions and requests of all loops. Safe for concurrent use.
type TLS struct{ id uint64 }

func version(v uint16) uint32 {
	switch v {
	case tls.VersionTLS12:
		return cx.TLS12
	case tls.VersionTLS13:
		return cx.TLS13
	}
	return uint32(v) // 0, or refused
}

// NewTLS makes settings. It reads the files now. They go with the garbage, once nobody has them.
func NewTLS(o TLSOptions) (*TLS, error) {
	c := cx.TLSOptions{MinVersion: version(o.MinVersion), MaxVersion: version(o.MaxVersion), CA: o.CA, Cert: o.Cert,
		Key: o.Key, Pins: o.Pins, Texts: [10]string{o.CAFile, o.CAFolder, o.CertFile, o.KeyFile, o.KeyPassword,
			o.Ciphers, o.CipherSuites, o.ServerName, o.CRLFile, o.KeyLogFile}}
	for _, flag := range []struct {
		is  bool
		bit uint32
	}{{o.Insecure, cx.TLSInsecure}, {o.SystemCAs, cx.TLSSystemCAs}, {o.NoALPN, cx.TLSNoALPN}, {o.NoResumption, cx.TLSNoResume}} {
		if flag.is {
			c.Flags |= flag.bit
		}
	}
	opened := cx.TLSOpen(c)
	if opened.Failure != nil {
		return nil, newError(opened.Failure, nil)
	}
	t := &TLS{opened.ID}
	runtime.SetFinalizer(t, func(t *TLS) { cx.TLSRelease(t.id) })
	return t, nil
}

func (t *TLS) handle() uint64 {
	if t == nil {
		return 0
	}
	return t.id
}
