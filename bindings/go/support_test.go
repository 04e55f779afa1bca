package creche_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"libcreche/creche"
)

// eventually waits until something is so.
func eventually(t testing.TB, what func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !what(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("it has not become so in 20 s")
		}
	}
}

// must is for what cannot fail here.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// ok fails the test if there is an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// is fails the test if err is not status.
func is(t testing.TB, err error, status creche.Status) {
	t.Helper()
	var e *creche.Error
	if !errors.As(err, &e) || e.Status != status {
		t.Errorf("%v, not %v", err, status)
	}
}

// ended is a loop that is no more.
func ended(t testing.TB, use func(l *creche.Loop)) {
	t.Helper()
	l := must(creche.NewLoop(nil))
	use(l)
	if err := l.Close(10 * time.Second); err != nil {
		t.Fatal(err)
	}
}
