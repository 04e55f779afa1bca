package creche_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"libcreche/creche"
)

func TestEventsOverALoss(t *testing.T) {
	var asked atomic.Int32
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		switch id := r.Header.Get("Last-Event-ID"); asked.Add(1) {
		case 1:
			fmt.Fprintf(w, "retry: 1\nid: 7\ndata: %s\ndata: b\n\ndata: lost", id)
		case 2:
			fmt.Fprintf(w, "event: add\ndata: %s\n\n", id)
		default:
			w.WriteHeader(204)
		}
	})
	events := must(session(t, nil).Events(context.Background(),
		&creche.EventsRequest{Request: creche.Request{URL: url}, LastEventID: "6"}))
	defer events.Close()
	var seen []creche.ServerEvent
	for events.Next() {
		seen = append(seen, events.Event())
	}
	ok(t, events.Err())
	want := []creche.ServerEvent{{"message", "6\nb", "7", 1}, {"add", "7", "7", 2}}
	if len(seen) != 2 || seen[0] != want[0] || seen[1] != want[1] {
		t.Errorf("%+v", seen)
	}
}

func TestEventsOfAPostComeOnce(t *testing.T) {
	var asked atomic.Int32
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: token\n\n")
	})
	web := session(t, nil)
	request := &creche.EventsRequest{Request: creche.Request{URL: url, Body: []byte("{}")}, Retry: -1}
	events := must(web.Events(context.Background(), request))
	for events.Next() {
	}
	ok(t, events.Err())
	if asked.Load() != 1 {
		t.Errorf("%d requests", asked.Load())
	}
	request.Again = true
	events = must(web.Events(context.Background(), request))
	for i := 0; i < 3; i++ {
		if !events.Next() {
			t.Fatal(events.Err())
		}
	}
	ok(t, events.Close())
	if events.Next() {
		t.Error("an event after Close")
	}
}

func TestEventsEnd(t *testing.T) {
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			if _, err := fmt.Fprintf(w, "data: %s\n\n", strings.Repeat("x", 1000)); err != nil {
				return
			}
		}
	})
	web := session(t, nil)
	page := must(web.Events(context.Background(), &creche.EventsRequest{Request: creche.Request{URL: url + "/page"}}))
	if page.Next() {
		t.Error("a page is no stream of events")
	}
	is(t, page.Err(), creche.ErrProtocol)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	events := must(web.Events(ctx, &creche.EventsRequest{Request: creche.Request{URL: url}}))
	for events.Next() {
	}
	if events.Err() == nil || ctx.Err() == nil {
		t.Errorf("%v", events.Err())
	}
	_, err := web.Events(ctx, &creche.EventsRequest{Request: creche.Request{URL: url}})
	if err == nil {
		t.Error("a stream in a context that has ended")
	}
}
