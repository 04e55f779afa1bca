package creche_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"libcreche/creche"
)

// Go's own server, which is asked for HTTP/2 by ALPN.
func TestHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto+" ")
		io.Copy(w, r.Body)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	web, err := creche.NewSession(&creche.SessionOptions{Insecure: true, Versions: creche.HTTP11 | creche.HTTP2, Streams: 50})
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	client := &http.Client{Transport: web.RoundTripper()}
	r, body := get(t, client, server.URL)
	if r.Proto != "HTTP/2.0" || r.ProtoMajor != 2 || r.ProtoMinor != 0 || body != "HTTP/2.0 " {
		t.Errorf("%s %d.%d %q", r.Proto, r.ProtoMajor, r.ProtoMinor, body)
	}
	var all sync.WaitGroup
	for range 100 {
		all.Add(1)
		go func() {
			defer all.Done()
			big := strings.Repeat("upload ", 20000)
			r, err := web.Do(context.Background(), &creche.Request{URL: server.URL, BodyReader: strings.NewReader(big)})
			if err != nil || string(r.Body) != "HTTP/2.0 "+big {
				t.Errorf("%v, %v", r, err)
			}
		}()
	}
	all.Wait()
	old, err := web.Do(context.Background(), &creche.Request{URL: server.URL, Versions: creche.HTTP11})
	if err != nil || string(old.Body) != "HTTP/1.1 " {
		t.Errorf("%v, %v", old, err)
	}
}
