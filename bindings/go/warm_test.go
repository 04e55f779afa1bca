package creche_test

import (
	"context"
	"testing"
	"time"

	"libcreche/creche"
)

func TestConnectionsAreOpenedBeforeTheyAreNeeded(t *testing.T) {
	url := server(t, "HTTP_URL") + "/small"
	s, err := creche.NewSession(&creche.SessionOptions{MaxRequests: 2, MaxLifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	for i, want := range []int{2, 0} {
		if n, err := s.WarmUp(ctx, &creche.Request{URL: url}, 2); n != want || err != nil {
			t.Fatalf("warm-up %d opened %d: %v", i, n, err)
		}
	}
	for range 3 {
		if _, err := s.Get(ctx, url); err != nil {
			t.Fatal(err)
		}
	}
	if c := s.Counters(); c.Connects != 2 || c.Idle != 1 { // one has carried its two
		t.Errorf("counters: %+v", c)
	}
	v := s.Timings()
	if v.Connect.Count != 2 || v.Total.Count != 3 || v.TLS.Count != 0 || v.Total.Max > v.Total.Sum {
		t.Errorf("timings: %+v", v)
	}
}
