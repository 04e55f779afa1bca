package creche_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"libcreche/creche"
)

func withTrailer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "Checksum")
	io.WriteString(w, "hello")
	w.(http.Flusher).Flush()
	w.Header().Set("Checksum", "abc")
	w.Header().Set(http.TrailerPrefix+"X-Two", "2")
}

func TestTrailers(t *testing.T) {
	url := handler(t, withTrailer)
	web := session(t, nil)
	r := must(web.Get(context.Background(), url))
	if string(r.Body) != "hello" || len(r.Trailer) != 2 || r.Trailer.Get("Checksum") != "abc" || r.Header.Get("Checksum") != "" {
		t.Errorf("%q, %v, %v", r.Body, r.Header, r.Trailer)
	}
	if r.Info != nil {
		t.Error("nobody asked for it")
	}
	stream := must(web.Send(context.Background(), &creche.Request{URL: url}))
	io.ReadAll(stream)
	if stream.Trailer.Get("X-Two") != "2" {
		t.Errorf("%v", stream.Trailer)
	}
	client := http.Client{Transport: web.RoundTripper()}
	answer := must(client.Get(url))
	io.Copy(io.Discard, answer.Body)
	if answer.Trailer.Get("Checksum") != "abc" {
		t.Errorf("%v", answer.Trailer)
	}
	answer.Body.Close()
}

func TestInfo(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(withTrailer))
	defer server.Close()
	web := session(t, &creche.SessionOptions{Insecure: true})
	for i := 0; i < 2; i++ {
		r := must(web.Do(context.Background(), &creche.Request{URL: server.URL, Body: []byte("12345"), Info: true}))
		info := r.Info
		if info.Connection != 1 || info.Reused != (i == 1) || info.HTTPMajor != 1 || info.DecodedBytes != 5 ||
			info.RequestBytes < 50 || info.Peer != server.Listener.Addr().String() || info.Local == "" ||
			info.ALPN != "http/1.1" || info.TLSCipherID>>8 != 0x13 || info.Reason != "OK" || info.Method != "POST" ||
			info.RetryAfter >= 0 || info.HeadBytes < 20 || info.TLSVersion != "TLSv1.3" || (info.TLSTime > 0) != (i == 0) || info.Attempts != 1 {
			t.Errorf("%+v", info)
		}
		if len(info.Certificates) != 1 || !bytes.Equal(info.Certificates[0], server.Certificate().Raw) {
			t.Errorf("%d certificates", len(info.Certificates))
		} else if _, err := x509.ParseCertificate(info.Certificates[0]); err != nil {
			t.Error(err)
		}
	}
	stream := must(web.Send(context.Background(), &creche.Request{URL: server.URL}))
	if info := stream.Info(); info == nil || !info.Reused || info.Ended != 0 && info.DecodedBytes != 0 {
		t.Errorf("%+v", info)
	}
	stream.Close()
	if stream.Info() != nil {
		t.Error("it was closed")
	}
}

func TestToFile(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	web := session(t, nil)
	file := must(os.CreateTemp(t.TempDir(), "body"))
	defer file.Close()
	r := must(web.Do(context.Background(), &creche.Request{URL: url, Info: true, ToFile: &creche.FilePart{File: file, Offset: 2}}))
	if len(r.Body) != 0 || r.Info.DecodedBytes != 5 {
		t.Errorf("%+v", r)
	}
	if text := must(os.ReadFile(file.Name())); string(text) != "\x00\x00hello" {
		t.Errorf("%q", text)
	}
	full := must(os.OpenFile("/dev/full", os.O_WRONLY, 0))
	defer full.Close()
	_, err := web.Do(context.Background(), &creche.Request{URL: url, ToFile: &creche.FilePart{File: full}})
	is(t, err, creche.ErrSystem)
}

func TestWatch(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "hello")
	})
	events := make(chan creche.WatchEvent, 100)
	web := session(t, &creche.SessionOptions{Watch: func(e *creche.WatchEvent) { events <- *e }, RatePerHost: 1000})
	must(web.Get(context.Background(), url+"/?secret"))
	var early bool
	for e := range events {
		if e.URL != url+"/" || e.Task == 0 {
			t.Errorf("%+v", e)
		}
		early = early || e.Kind == creche.WatchInformational && e.HTTPStatus == 103 && e.Header.Get("Link") == "</a.css>"
		if e.Kind == creche.WatchRequestEnd {
			if e.Status != 0 || e.Bytes != 5 || !early {
				t.Errorf("%+v", e)
			}
			break
		}
	}
}

// A request's own watch is told of that one, whole or a stream, once from start to end.
func TestWatchOfARequest(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	web := session(t, nil)
	events := make(chan creche.WatchEvent, 100)
	watch := func(e *creche.WatchEvent) { events <- *e }
	whole := func(status creche.Status) {
		t.Helper()
		if e := <-events; e.Kind != creche.WatchRequestStart || e.URL != url+"/" {
			t.Errorf("%+v", e)
		}
		for e := range events {
			if e.Kind == creche.WatchRequestStart {
				t.Errorf("%+v", e)
			}
			if e.Kind == creche.WatchRequestEnd {
				if e.Status != status {
					t.Errorf("%+v", e)
				}
				return
			}
		}
	}
	ctx := context.Background()
	must(web.Get(ctx, url)) // of this one nobody hears
	must(web.Do(ctx, &creche.Request{URL: url, Watch: watch}))
	whole(0)
	stream := must(web.Send(ctx, &creche.Request{URL: url, Watch: watch}))
	must(io.ReadAll(stream))
	whole(0)
	_, err := web.Do(ctx, &creche.Request{URL: "nonsense", Watch: watch})
	is(t, err, creche.ErrURL)
	must(web.Get(ctx, url))
	if len(events) != 0 {
		t.Errorf("%+v", <-events)
	}
}

func TestWhereItMayGo(t *testing.T) {
	end := handler(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("X-Api-Key")+r.Header.Get("X-Mine"))
	})
	_, port, _ := strings.Cut(strings.TrimPrefix(end, "http://"), ":")
	url := handler(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://localhost:"+port, 302) })
	_, err := session(t, &creche.SessionOptions{RedirectHosts: "-"}).Get(context.Background(), url)
	is(t, err, creche.ErrRedirect)
	_, err = session(t, &creche.SessionOptions{RedirectHosts: "localhost", NoDowngrade: true}).Get(context.Background(), url)
	ok(t, err)
	_, err = session(t, &creche.SessionOptions{PublicOnly: true}).Get(context.Background(), url)
	is(t, err, creche.ErrURL)
	told := func(ofSession, own string) string {
		web := session(t, &creche.SessionOptions{PrivateHeaders: ofSession})
		return string(must(web.Do(context.Background(), &creche.Request{URL: url, PrivateHeaders: own,
			Header: http.Header{"X-Api-Key": {"key"}, "X-Mine": {"mine"}}})).Body)
	}
	if all := [3]string{told("", ""), told("X-Mine", ""), told("X-Mine", "-")}; all != [3]string{"mine", "key", "keymine"} {
		t.Errorf("%q", all)
	}
}

func TestABodyThatIsReadAgain(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/b", http.StatusTemporaryRedirect)
			return
		}
		w.Write(body)
	})
	web := session(t, nil)
	body := strings.NewReader("skipped hello")
	body.Seek(8, io.SeekStart)
	r := must(web.Do(context.Background(), &creche.Request{Method: "POST", URL: url, BodyReader: body}))
	if string(r.Body) != "hello" {
		t.Errorf("%d %q", r.Status, r.Body)
	}
	_, err := web.Do(context.Background(), &creche.Request{Method: "POST", URL: url, BodyReader: io.MultiReader(body)})
	is(t, err, creche.ErrBody)
}
