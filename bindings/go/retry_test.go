package creche_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"libcreche/creche"
)

func TestAStatusIsAFailure(t *testing.T) {
	base := handler(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "busy", 503) })
	web := session(t, &creche.SessionOptions{FailOnStatus: true})
	var e *creche.Error
	_, err := web.Get(context.Background(), base)
	if !errors.As(err, &e) || e.Status != creche.ErrHTTPStatus || e.HTTPStatus != 503 || string(e.HTTPBody) != "busy\n" {
		t.Errorf("%+v", err)
	}
	if r, err := web.Do(context.Background(), &creche.Request{URL: base, AnyStatus: true}); err != nil || r.Status != 503 {
		t.Error(err)
	}
	client := &http.Client{Transport: web.RoundTripper()}
	if r, err := client.Get(base); err != nil || r.StatusCode != 503 {
		t.Error(err)
	} else {
		r.Body.Close()
	}
	web = session(t, nil)
	if _, err := web.Send(context.Background(), &creche.Request{URL: base, FailOnStatus: true}); !errors.Is(err, creche.ErrHTTPStatus) {
		t.Error(err)
	}
}

func TestRequestsAreMadeAgain(t *testing.T) {
	var requests atomic.Int32
	base := handler(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%3 != 0 {
			w.WriteHeader(500)
		}
		io.Copy(w, r.Body)
	})
	policy := &creche.Retry{Delay: time.Millisecond, NoJitter: true, Statuses: []int{500}, AnyMethod: true}
	web := session(t, &creche.SessionOptions{Retry: policy})
	r, err := web.Post(context.Background(), base, "text/plain", []byte("body"))
	if err != nil || r.Status != 200 || string(r.Body) != "body" || requests.Load() != 3 || web.Counters().Attempts != 2 {
		t.Errorf("%v, %+v, %d", err, r, requests.Load())
	}
	var e *creche.Error
	_, err = web.Do(context.Background(), &creche.Request{URL: base, FailOnStatus: true,
		Retry: &creche.Retry{Attempts: 2, Delay: 1, Statuses: []int{500}, Budget: -1, MaxRetryAfter: -1}})
	if !errors.As(err, &e) || e.Attempts != 2 {
		t.Errorf("%+v", err)
	}
	requests.Store(0)
	if r, err := web.Do(context.Background(), &creche.Request{URL: base, Retry: &creche.Retry{Statuses: []int{}}}); err != nil || r.Status != 500 {
		t.Error(err)
	}
	if _, err := creche.NewSession(&creche.SessionOptions{Retry: &creche.Retry{Statuses: []int{200}}}); !errors.Is(err, creche.ErrInvalid) {
		t.Error(err)
	}
}
