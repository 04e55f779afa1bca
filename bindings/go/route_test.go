package creche_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
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

func TestTokensAreGivenWhenTheyAreAskedFor(t *testing.T) {
	base := handler(t, func(w http.ResponseWriter, r *http.Request) {
		shown := r.Header.Get("Authorization")
		if shown != "Bearer second" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		fmt.Fprint(w, shown)
	})
	var lock sync.Mutex
	var asked []bool
	web := session(t, &creche.SessionOptions{MaxExpansion: 100, Auth: creche.BearerFrom(func(refused bool) (string, error) {
		lock.Lock()
		defer lock.Unlock()
		asked = append(asked, refused)
		return [2]string{"first", "second"}[len(asked)-1], nil
	})})
	for range 2 {
		answer, err := web.Do(context.Background(), &creche.Request{URL: base})
		if err != nil || string(answer.Body) != "Bearer second" {
			t.Fatal(err, answer)
		}
	}
	lock.Lock()
	defer lock.Unlock()
	if len(asked) != 2 || asked[0] || !asked[1] {
		t.Error("asked ", asked)
	}
	for _, get := range []func(bool) (string, error){
		func(bool) (string, error) { return "", errors.New("none") },
		func(bool) (string, error) { return "a\nb", nil },
	} {
		failing := session(t, &creche.SessionOptions{Auth: creche.BearerFrom(get)})
		if _, err := failing.Do(context.Background(), &creche.Request{URL: base}); !errors.Is(err, creche.ErrUser) {
			t.Error(err)
		}
	}
}

func TestMiddlewareChangesAnswersAndRefuses(t *testing.T) {
	base := handler(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-Set")) })
	web := session(t, &creche.SessionOptions{Middleware: func(turn *creche.Turn) creche.Decision {
		switch {
		case turn.Kind == creche.TurnResponse && turn.HTTPStatus != 200:
			t.Error(turn)
		case turn.Kind != creche.TurnRequest:
		case strings.HasSuffix(turn.URL, "/own"):
			return creche.Decision{Action: creche.Answer, HTTPStatus: 418, Header: http.Header{"X-Kind": {"own"}},
				Body: []byte("tea")}
		case strings.HasSuffix(turn.URL, "/no"):
			return creche.Decision{Action: creche.Fail, Status: creche.ErrUser}
		default:
			return creche.Decision{Header: http.Header{"X-Set": {"yes"}}}
		}
		return creche.Decision{}
	}})
	for path, want := range map[string]string{"/": "200 yes", "/own": "418 tea"} {
		answer, err := web.Do(context.Background(), &creche.Request{URL: base + path})
		if err != nil || fmt.Sprint(answer.Status, " ", string(answer.Body)) != want {
			t.Error(path, answer, err)
		}
	}
	if _, err := web.Do(context.Background(), &creche.Request{URL: base + "/no"}); !errors.Is(err, creche.ErrUser) {
		t.Error(err)
	}
}

func TestServersAreShownCookiesAndAuth(t *testing.T) {
	base := handler(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "set", Value: "1"})
		fmt.Fprint(w, r.Header.Get("Cookie"), "|", r.Header.Get("Authorization"))
	})
	jar, err := creche.NewCookieJar()
	if err != nil {
		t.Fatal(err)
	}
	if err := jar.Receive(base, "n=v; Max-Age=1000"); err != nil {
		t.Error(err)
	}
	if jar.Receive(base, "n=v; Domain=other.org") == nil {
		t.Error("a cookie for others")
	}
	web := session(t, &creche.SessionOptions{Cookies: jar, Auth: creche.BasicAuth("u", "p"), Netrc: true,
		Hosts: [][2]string{{"a.invalid", base[len("http://"):]}}, LocalAddress: "127.0.0.1"})
	do := func(r creche.Request) string {
		t.Helper()
		answer, err := web.Do(context.Background(), &r)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer.Body)
	}
	for _, c := range []struct {
		request creche.Request
		want    string
	}{
		{creche.Request{URL: base}, "n=v|Basic dTpw"},
		{creche.Request{URL: base, NoAuth: true}, "n=v; set=1|"},
		{creche.Request{URL: base, NoCookies: true, Auth: creche.BearerAuth("t")}, "|Bearer t"},
		{creche.Request{URL: base, NoCookies: true, Auth: creche.DigestAuth("u", "p")}, "|"},
		{creche.Request{URL: base, NoCookies: true, Auth: creche.AnyAuth("u", "p")}, "|"},
		{creche.Request{URL: "http://a.invalid/"}, "|Basic dTpw"},
	} {
		if got := do(c.request); got != c.want {
			t.Errorf("%q instead of %q", got, c.want)
		}
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", creche.BearerAuth("secret"), creche.BearerAuth("secret"),
		creche.BearerAuth("secret")), "secret") {
		t.Error("secrets are shown")
	}
	for _, form := range []creche.CookieForm{creche.CookiesNetscape, creche.CookiesJSON} {
		text, err := jar.Export(form)
		if err != nil {
			t.Fatal(err)
		}
		other, _ := creche.NewCookieJar()
		path := filepath.Join(t.TempDir(), "cookies")
		if err := other.Import(form, text); err != nil {
			t.Error(err)
		}
		if err := other.Save(form, path); err != nil {
			t.Error(err)
		}
		if err := other.Clear(""); err != nil {
			t.Error(err)
		}
		if err := other.Load(form, path); err != nil {
			t.Error(err)
		}
		if got, err := other.Get(base); err != nil || got != "n=v; set=1" {
			t.Error(got, err)
		}
		other.Close()
	}
	none := session(t, &creche.SessionOptions{UnixPath: "/nowhere/socket"})
	if _, err := none.Get(context.Background(), base); !errors.Is(err, creche.ErrConnect) {
		t.Error(err)
	}
	if _, err := web.Do(context.Background(), &creche.Request{URL: base, UnixPath: "/nowhere/socket"}); !errors.Is(err, creche.ErrConnect) {
		t.Error(err)
	}
}
