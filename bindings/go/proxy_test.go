package creche_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"libcreche/creche"
)

func TestRequestsGoByProxies(t *testing.T) {
	base := handler(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.RequestURI, " ", r.Header.Get("Proxy-Authorization"), " ", r.Header.Get("X-Proxy"))
	})
	by := "http://u:p@" + base[len("http://"):]
	web := session(t, &creche.SessionOptions{Proxy: by, NoProxy: "127.0.0.1", ProxyHeader: http.Header{"X-Proxy": {"1"}}})
	do := func(r creche.Request) string {
		t.Helper()
		answer, err := web.Do(context.Background(), &r)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer.Body)
	}
	if got := do(creche.Request{URL: "http://a.example/x"}); got != "http://a.example/x Basic dTpw 1" {
		t.Error(got)
	}
	if got := do(creche.Request{URL: base + "/y"}); got != "/y  " {
		t.Error(got)
	}
	if got := do(creche.Request{URL: base + "/y", Proxy: base}); got != base+"/y  1" {
		t.Error(got)
	}
	_, err := web.Do(context.Background(), &creche.Request{URL: "http://a.example/", Proxy: "ftp://x"})
	if err == nil {
		t.Error("no such proxy")
	}
}
