package creche_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"libcreche/creche"
)

func TestURLsAreJoinedAndHaveParameters(t *testing.T) {
	base := handler(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) })
	web := session(t, &creche.SessionOptions{BaseURL: base + "/api/"})
	r, err := web.Do(context.Background(), &creche.Request{URL: "x?y", Header: http.Header{"A": {"b"}},
		Params: [][2]string{{"k", "a b&"}, {"k", "2"}}})
	if err != nil || string(r.Body) != "/api/x?y&k=a%20b%26&k=2" {
		t.Errorf("%v, %+v", err, r)
	}
	if joined, err := creche.JoinURL("http://a/b/c/d;p?q", "../g#s"); err != nil || joined != "http://a/b/g#s" {
		t.Errorf("%v, %q", err, joined)
	}
	if _, err := creche.JoinURL("/b", "c"); !errors.Is(err, creche.ErrURL) {
		t.Error(err)
	}
	if _, err := creche.NewSession(&creche.SessionOptions{BaseURL: "/x"}); !errors.Is(err, creche.ErrURL) {
		t.Error(err)
	}
	many := make([][2]string, 40)
	for i := range many {
		many[i] = [2]string{"k", "v"}
	}
	if r, err := web.Do(context.Background(), &creche.Request{URL: "", Params: many}); err != nil || len(r.Body) != 5+40*4 {
		t.Errorf("%v, %+v", err, r)
	}
}
