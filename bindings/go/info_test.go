package creche_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
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
			info.TLSVersion != "TLSv1.3" || (info.TLSTime > 0) != (i == 0) || info.Attempts != 1 {
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
