package creche_test

import (
	"compress/gzip"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"libcreche/creche"
)

func get(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	r, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

func TestRoundTripper(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/echo?to=1", http.StatusFound)
		case "/echo":
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %s %s %v", r.Method, r.Host, r.URL.RawQuery, body, r.Header["X-Mine"])
		case "/gzip":
			if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				io.WriteString(w, "plain")
				return
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, "unzipped")
			z.Close()
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/cookie":
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		}
	})
	web := session(t, nil)
	client := &http.Client{Transport: web.RoundTripper()}
	r, body := get(t, client, url+"/redirect")
	if !strings.HasPrefix(body, "GET ") || !strings.Contains(body, "to=1") || r.Request.URL.Path != "/echo" || r.Proto != "HTTP/1.1" {
		t.Errorf("redirect: %q, %v", body, r.Request.URL)
	}
	if r, body := get(t, client, url+"/gzip"); body != "unzipped" || !r.Uncompressed || r.Header.Get("Content-Encoding") != "" {
		t.Errorf("gzip: %q, %+v", body, r)
	}
	if r, body := get(t, client, url+"/empty"); body != "" || r.StatusCode != 204 || r.Status != "204 No Content" {
		t.Errorf("empty: %q, %+v", body, r)
	}
	head, err := client.Head(url + "/echo")
	if err != nil || head.ContentLength <= 0 {
		t.Errorf("head: %v, %+v", err, head)
	}
	// The request is not changed, and its body is closed.
	closed := &closing{Reader: strings.NewReader("the body")}
	req, _ := http.NewRequest("PUT", url+"/echo", closed)
	req.Host = "example.test"
	req.Header.Set("X-Mine", "yes")
	before := fmt.Sprint(req.Header, req.URL, req.Host, req.ContentLength)
	r, err = client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if string(got) != "PUT example.test  the body [yes]" || r.Request != req {
		t.Errorf("put: %q", got)
	}
	if closed.n.Load() == 0 || fmt.Sprint(req.Header, req.URL, req.Host, req.ContentLength) != before {
		t.Errorf("closed %d times, %v", closed.n.Load(), req)
	}
	if resp, err := client.Post(url+"/echo", "text/plain", strings.NewReader("known")); err != nil {
		t.Error(err)
	} else if got, _ := io.ReadAll(resp.Body); !strings.Contains(string(got), "known") {
		t.Errorf("post: %q", got)
	}
	// Failures close it as well.
	closed = &closing{Reader: strings.NewReader("x")}
	req, _ = http.NewRequest("PUT", "http://127.0.0.1:1/", closed)
	if _, err := client.Do(req); !errors.Is(err, creche.ErrConnect) || closed.n.Load() == 0 {
		t.Errorf("%v, closed %d times", err, closed.n.Load())
	}
	if c := web.Counters(); c.Connects > 2 {
		t.Errorf("connections are not kept: %+v", c)
	}
}

type closing struct {
	io.Reader
	n atomic.Int32
}

func (c *closing) Close() error { c.n.Add(1); return nil }

func TestRoundTripperTimeouts(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.Write([]byte("begin"))
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	client := &http.Client{Transport: session(t, nil).RoundTripper(), Timeout: 30 * time.Millisecond}
	timeout := func(err error) bool {
		var e interface{ Timeout() bool }
		return errors.As(err, &e) && e.Timeout()
	}
	if _, err := client.Get(url + "/head"); !timeout(err) {
		t.Errorf("%v", err)
	}
	client.Timeout = time.Second / 2 // the head comes in time, also on a busy machine
	r, err := client.Get(url + "/body")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r.Body); !timeout(err) {
		t.Errorf("%v", err)
	}
	r.Body.Close()
}

func TestRoundTripperTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "safe") }))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: session(t, &creche.SessionOptions{CAFile: file}).RoundTripper()}
	for i := 0; i < 2; i++ {
		r, body := get(t, client, s.URL)
		if body != "safe" || r.TLS == nil {
			t.Fatalf("%q, %+v", body, r)
		}
		if r.TLS.Version != tls.VersionTLS13 || tls.CipherSuiteName(r.TLS.CipherSuite)[:4] != "TLS_" || r.TLS.ServerName == "" ||
			r.TLS.NegotiatedProtocol != "http/1.1" || len(r.TLS.PeerCertificates) != 1 || !r.TLS.PeerCertificates[0].Equal(s.Certificate()) {
			t.Errorf("%+v", r.TLS)
		}
	}
}

func TestRoundTripperStatus(t *testing.T) {
	at := handler(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			io.WriteString(conn, "HTTP/1.1 404 Nothing Of That\r\nContent-Length: 0\r\n\r\n")
			conn.Close()
		}
	})
	client := &http.Client{Transport: session(t, nil).RoundTripper()}
	if r, _ := get(t, client, at); r.Status != "404 Nothing Of That" || r.TLS != nil {
		t.Errorf("%q, %v", r.Status, r.TLS)
	}
}
