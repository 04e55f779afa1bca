package creche

import (
	"time"

	"libcreche/creche/internal/cx"
)

// Timeouts of the phases of a request. 0 is the default (of the session; of the library), negative is
// no timeout. Each failure names its phase.
type Timeouts struct {
	Pool      time.Duration // waiting for a connection of the session; none
	DNS       time.Duration // 30 s
	Connect   time.Duration // 30 s
	TLS       time.Duration // 30 s
	Send      time.Duration // a gap without progress; 60 s
	FirstByte time.Duration // 300 s
	ReadGap   time.Duration // 60 s
	Proxy     time.Duration // a proxy to connect: CONNECT, SOCKS; 30 s
}

// never turns "negative is none" into what C wants.
func never(d time.Duration) time.Duration {
	if d < 0 {
		return time.Duration(cx.Never)
	}
	return d
}

func (t Timeouts) c() cx.Timeouts {
	return cx.Timeouts{Pool: never(t.Pool), DNS: never(t.DNS), Connect: never(t.Connect), TLS: never(t.TLS),
		Send: never(t.Send), FirstByte: never(t.FirstByte), ReadGap: never(t.ReadGap), Proxy: never(t.Proxy)}
}
