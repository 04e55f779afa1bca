package creche

import (
	"math"
	"net/http"
	"time"

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
	MaxLifetime    time.Duration // of a connection; each ends in the last tenth of it; none
	MaxRequests    int           // that a connection carries; no limit
	Versions       HTTPVersions  // that may be spoken; HTTP11
	Streams        int           // requests that a connection of HTTP/2 carries at a time; as many as the server allows
	DNSTTL         time.Duration // how long a resolved name is kept; 10 s; negative: not at all
	Timeouts       Timeouts
	UserAgent      string // "-" for none
	CAFile         string // PEM file of trusted certificates instead of the system's
	TLS            *TLS   // settings; not with CAFile or Insecure
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
	ProxyTLS    *TLS        // settings of TLS to https proxies; nil: as to servers
	NoProxy     string      // hosts that need none, separated by commas
	EnvProxy    bool        // takes what is not given from the environment, read now

	UnixPath string // a Unix socket that all requests go to; "@name" for an abstract one
	// Where to connect to for hosts ("example.org:443"): an address, several by commas, "unix:/path", or
	// another name. The first that fits counts.
	Hosts        [][2]string
	LocalAddress string         // an IP address that connections come from
	Sockets      *SocketOptions // what is set on sockets before they connect; nil: as the system has it
	Cookies      *CookieJar     // nil: none
	Auth         Auth           // what servers are shown
	// Told of what happens to requests and connections, on the loop's thread: it must return soon, and not
	// wait for the library. After Close it is told nothing more.
	Watch func(*WatchEvent)
	// Asked, in a goroutine of its own, before each attempt and hop of a request, at the head of each answer, and
	// after each failure; the request waits for it. Go on: the zero Decision.
	Middleware  func(*Turn) Decision
	NoDowngrade bool // a redirect from https to http is a failure
	PublicOnly  bool // connects to no private address, whatever a URL, a redirect or a name says
	// Names of header fields, by commas, that a redirect to another origin does not take along, as Authorization;
	// "": X-Api-Key and others where keys are usually shown; "-": none.
	PrivateHeaders string
	RedirectHosts  string        // where a redirect may lead beside its own host, by commas; "-": nowhere
	RatePerHost    int           // requests to each origin in RateInterval; more wait; no limit
	RateInterval   time.Duration // 1 s
	BurstPerHost   int           // of them at once, after a pause; 1
	DNSNegativeTTL time.Duration // how long it is kept that there is no such name, DNSTTL at the most; 1 s
	MaxExpansion   int           // decoded bytes of a body for each coded one, beyond the first 64 KiB; no limit
	DNSStale       time.Duration // for how long an old answer is used if the resolver has none; not at all

	Netrc bool // takes users and passwords of hosts from the file that NETRC names, or ~/.netrc
}

// HTTPVersions that may be spoken. With both, servers of https URLs choose; HTTP2 alone is spoken with servers
// of http URLs, too, which are known to do so.
type HTTPVersions uint32

const (
	HTTP11 HTTPVersions = cx.HTTP11
	HTTP2  HTTPVersions = cx.HTTP2
)

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
