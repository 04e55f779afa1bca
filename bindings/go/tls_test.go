package creche_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"

	"libcreche/creche"
)

func TestTLSSettings(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Name", r.TLS.ServerName)
	}))
	t.Cleanup(server.Close)
	certificate := server.Certificate()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	digest := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	key := "sha256//" + base64.StdEncoding.EncodeToString(digest[:])
	settings := must(creche.NewTLS(creche.TLSOptions{CA: ca, ServerName: "example.com", Pins: []string{key},
		MinVersion: tls.VersionTLS13}))
	ctx := context.Background()
	web := session(t, &creche.SessionOptions{TLS: settings})
	r, err := web.Get(ctx, server.URL)
	if err != nil || r.Header.Get("X-Name") != "example.com" {
		t.Fatalf("%v, %+v", err, r)
	}
	other := must(creche.NewTLS(creche.TLSOptions{Insecure: true, Pins: []string{"cert-sha256:" + "00" +
		"11223344556677889900aabbccddeeff00112233445566778899aabbccddee"}}))
	_, err = web.Do(ctx, &creche.Request{URL: server.URL, TLS: other})
	is(t, err, creche.ErrTLSVerify)
	_, err = session(t, nil).Do(ctx, &creche.Request{URL: server.URL, TLS: settings})
	ok(t, err)
	_, err = creche.NewTLS(creche.TLSOptions{CAFile: "/nowhere"})
	is(t, err, creche.ErrSystem)
	_, err = creche.NewTLS(creche.TLSOptions{Pins: []string{"md5:00"}})
	is(t, err, creche.ErrInvalid)
	_, err = creche.NewTLS(creche.TLSOptions{MinVersion: 7})
	is(t, err, creche.ErrInvalid)
}
