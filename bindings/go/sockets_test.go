package creche_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"libcreche/creche"
)

func TestSocketOptions(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {})
	var idle atomic.Int64
	var refuses atomic.Bool
	web := session(t, &creche.SessionOptions{Sockets: &creche.SocketOptions{KeepAliveIdle: 61 * time.Second, KeepAliveCount: 3,
		UserTimeout: time.Minute, SendBuffer: 1 << 16, Opened: func(fd int, address string) error {
			value, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)
			if idle.Store(int64(value)); err != nil || !strings.HasSuffix(url, address) {
				t.Errorf("%v, %q", err, address)
			}
			if refuses.Load() {
				return errors.New("not there")
			}
			return nil
		}}})
	ctx := context.Background()
	must(web.Get(ctx, url))
	if idle.Load() != 61 {
		t.Error(idle.Load())
	}
	refuses.Store(true)
	_, err := web.Do(ctx, &creche.Request{URL: url, Header: http.Header{"Connection": {"close"}}}) // the one that is there
	if err != nil {
		t.Error(err)
	}
	_, err = web.Get(ctx, url)
	is(t, err, creche.ErrUser)
	_, err = session(t, &creche.SessionOptions{Sockets: &creche.SocketOptions{Interface: "nosuch0"}}).Get(ctx, url)
	is(t, err, creche.ErrConnect)
}
