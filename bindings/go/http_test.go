package creche_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"libcreche/creche"
)

// server is the environment's value for a real server. Without it the test fails, unless
// CRECHE_TEST_OFFLINE=1 says that this is meant.
func server(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		if os.Getenv("CRECHE_TEST_OFFLINE") == "1" {
			t.Skipf("no %s", name)
		}
		t.Fatalf("no %s: run this by creche-test-servers, or set CRECHE_TEST_OFFLINE=1", name)
	}
	return value
}

func session(t testing.TB, o *creche.SessionOptions) *creche.Session {
	t.Helper()
	s, err := creche.NewSession(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func handler(t *testing.T, fn http.HandlerFunc) string {
	s := httptest.NewServer(fn)
	t.Cleanup(s.Close)
	return s.URL
}

func TestGetFromNginx(t *testing.T) {
	base := server(t, "HTTP_URL")
	web := session(t, nil)
	for i := 0; i < 3; i++ {
		r, err := web.Get(context.Background(), base+"/small")
		if err != nil || r.Status != 200 || len(r.Body) == 0 || r.Header.Get("Server") == "" || r.URL != base+"/small" {
			t.Fatalf("%v, %+v", err, r)
		}
		r.Close()
	}
	if c := web.Counters(); c.Connects != 1 || c.Reuses != 2 {
		t.Errorf("%+v", c)
	}
	if r, err := web.Get(context.Background(), base+"/nothing"); err != nil || r.Status != 404 {
		t.Errorf("%v", err)
	}
}

func TestTLSOfNginx(t *testing.T) {
	base := server(t, "HTTPS_URL")
	web := session(t, &creche.SessionOptions{CAFile: server(t, "CA_FILE")})
	if r, err := web.Get(context.Background(), base+"/small"); err != nil || r.Status != 200 {
		t.Fatal(err)
	}
	var e *creche.Error
	if _, err := web.Get(context.Background(), server(t, "WRONG_NAME_URL")+"/small"); !errors.As(err, &e) ||
		e.Status != creche.ErrTLSVerify || e.Phase != creche.PhaseTLS {
		t.Errorf("another name: %v", err)
	}
	if _, err := session(t, nil).Get(context.Background(), base+"/small"); !errors.Is(err, creche.ErrTLSVerify) {
		t.Errorf("without the CA: %v", err)
	}
}

func TestStreamFromNginx(t *testing.T) {
	base := server(t, "HTTP_URL")
	web := session(t, nil)
	whole, err := web.Get(context.Background(), base+"/big")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{100, 5000, 1 << 20} {
		s, err := web.Send(context.Background(), &creche.Request{URL: base + "/big"})
		if err != nil || s.Status != 200 {
			t.Fatal(err)
		}
		hash := sha256.New()
		n, err := io.CopyBuffer(struct{ io.Writer }{hash}, struct{ io.Reader }{s}, make([]byte, size))
		if err != nil || n != int64(len(whole.Body)) || [32]byte(hash.Sum(nil)) != sha256.Sum256(whole.Body) {
			t.Fatalf("%d: %v, %d bytes", size, err, n)
		}
		s.Close()
	}
}

func TestErrorsOfHTTP(t *testing.T) {
	web := session(t, nil)
	for url, want := range map[string]creche.Status{
		"not a url":               creche.ErrURL,
		"http://127.0.0.1:1/":     creche.ErrConnect,
		"http://nobody.invalid./": creche.ErrDNS,
	} {
		var e *creche.Error
		if _, err := web.Get(context.Background(), url); !errors.As(err, &e) || e.Status != want || e.Message == "" {
			t.Errorf("%s: %v", url, err)
		}
	}
	web.Close()
	if _, err := web.Get(context.Background(), "http://127.0.0.1:1/"); !errors.Is(err, creche.ErrEnded) {
		t.Errorf("a closed session: %v", err)
	}
}

func TestHeadersAndBodies(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Add("X-Two", "1")
		w.Header().Add("X-Two", "2")
		w.Header().Set("X-Long", strings.Repeat("x", 9000))
		fmt.Fprintf(w, "%s %s %s %d %v %s", r.Method, r.Header.Get("Content-Type"), r.Header.Get("X-Mine"), r.ContentLength,
			r.TransferEncoding, body)
	})
	web := session(t, nil)
	r, err := web.Post(context.Background(), url, "text/plain", []byte("hello"))
	if err != nil || string(r.Body) != "POST text/plain  5 [] hello" || len(r.Header["X-Two"]) != 2 || len(r.Header.Get("X-Long")) != 9000 {
		t.Fatalf("%v, %q", err, r.Body)
	}
	r, err = web.Do(context.Background(), &creche.Request{Method: "PUT", URL: url, Header: http.Header{"X-Mine": {"yes"}},
		BodyReader: iotest("pulled")})
	if err != nil || string(r.Body) != "PUT  yes -1 [chunked] pulled" {
		t.Fatalf("%v, %q", err, r.Body)
	}
	r, err = web.Do(context.Background(), &creche.Request{URL: url, BodyReader: iotest("sized"), BodySize: 5})
	if err != nil || string(r.Body) != "POST   5 [] sized" {
		t.Fatalf("%v, %q", err, r.Body)
	}
	broken := io.MultiReader(iotest("some"), &failing{})
	if _, err := web.Do(context.Background(), &creche.Request{URL: url, BodyReader: broken}); !errors.Is(err, errBoom) ||
		!errors.Is(err, creche.ErrBody) {
		t.Errorf("a broken body: %v", err)
	}
}

// echoing answers with each piece of the body as it comes.
func echoing(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	control.EnableFullDuplex()
	w.WriteHeader(200)
	control.Flush()
	piece := make([]byte, 100)
	for {
		n, err := r.Body.Read(piece)
		w.Write(piece[:n])
		control.Flush()
		if err != nil {
			return
		}
	}
}

func TestABodyIsSentWhileTheAnswerIsRead(t *testing.T) {
	url := handler(t, echoing)
	web := session(t, nil)
	for i := 0; i < 3; i++ {
		body, writer := io.Pipe()
		stream, err := web.Send(context.Background(), &creche.Request{Method: "POST", URL: url, BodyReader: body})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 100)
		for _, piece := range []string{"hello", "and", "again"} {
			if _, err := io.WriteString(writer, piece); err != nil {
				t.Fatal(err)
			}
			if n, err := io.ReadFull(stream, got[:len(piece)]); err != nil || string(got[:n]) != piece {
				t.Fatalf("%q, %v", got[:n], err)
			}
		}
		if i == 2 { // given up in the middle: its reader is closed
			stream.Close()
			for err == nil {
				_, err = io.WriteString(writer, "more")
			}
			if err != io.ErrClosedPipe {
				t.Errorf("the writer: %v", err)
			}
			break
		}
		writer.Close()
		if n, err := stream.Read(got); n != 0 || err != io.EOF {
			t.Errorf("the end: %d, %v", n, err)
		}
		stream.Close()
	}
}

// iotest gives one byte at a time.
func iotest(s string) io.Reader { return &dribble{s} }

type dribble struct{ rest string }

func (d *dribble) Read(p []byte) (int, error) {
	if d.rest == "" {
		return 0, io.EOF
	}
	p[0] = d.rest[0]
	d.rest = d.rest[1:]
	return 1, nil
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, errBoom }

func TestManyRequests(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(bytes.Repeat(body, 100))
	})
	client := &http.Client{Transport: session(t, &creche.SessionOptions{Limit: 20}).RoundTripper()}
	var wait sync.WaitGroup
	for i := 0; i < 60; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := 0; n < 20; n++ {
				sent := fmt.Sprint(i, n)
				r, err := client.Post(url, "text/plain", struct{ io.Reader }{strings.NewReader(sent)})
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(r.Body)
				r.Body.Close()
				if err != nil || string(body) != strings.Repeat(sent, 100) {
					t.Errorf("%v, %q", err, body)
				}
			}
		}()
	}
	wait.Wait()
}

// A server of the kind that CRECHE_SESSION_LENIENT is for: its lines end in LF alone.
func TestLenient(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 200 OK\nContent-Length: 3\n\nold")
	})
	ctx := context.Background()
	strict, lenient := session(t, nil), session(t, &creche.SessionOptions{Lenient: true})
	if _, err := strict.Get(ctx, url); !errors.Is(err, creche.ErrProtocol) {
		t.Errorf("strict: %v", err)
	}
	if r, err := strict.Do(ctx, &creche.Request{URL: url, Lenient: true}); err != nil || string(r.Body) != "old" {
		t.Errorf("the request: %v, %+v", err, r)
	}
	if r, err := lenient.Get(ctx, url); err != nil || string(r.Body) != "old" {
		t.Errorf("the session: %v, %+v", err, r)
	}
}

// Each connection needs the address of the host: kept for a while, or looked up again.
func TestDNSTTL(t *testing.T) {
	name, err := os.Hostname()
	if err == nil {
		_, err = net.LookupHost(name)
	}
	if err != nil || name == "localhost" {
		t.Skipf("%q is no name to look up: %v", name, err)
	}
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Skip(err)
	}
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
	}))
	web.Listener.Close()
	web.Listener = listener
	web.Start()
	defer web.Close()
	url := fmt.Sprintf("http://%s:%d/", name, listener.Addr().(*net.TCPAddr).Port)
	for ttl, lookups := range map[time.Duration]uint64{time.Hour: 1, -1: 2} {
		s := session(t, &creche.SessionOptions{DNSTTL: ttl})
		for range 2 {
			if _, err := s.Get(context.Background(), url); err != nil {
				t.Fatal(err)
			}
		}
		if c := s.Counters(); c.DNSLookups != lookups || c.Connects != 2 {
			t.Errorf("%v: %+v", ttl, c)
		}
	}
}
