package creche_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"libcreche/creche"
)

func TestMetricsByNames(t *testing.T) {
	l, err := creche.NewLoop(&creche.LoopOptions{Name: "counted"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := creche.NewSession(&creche.SessionOptions{Loop: l})
	if err != nil {
		t.Fatal(err)
	}
	p, err := creche.OpenPool("host=127.0.0.1 port=1", &creche.PoolOptions{Loop: l})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.SetName("web"), p.SetName("db")); err != nil {
		t.Fatal(err)
	}
	text, err := creche.Metrics(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`creche_http_requests_total{loop="counted",session="web"} 0`,
		`creche_pg_max_connections{loop="counted",pool="db"} 10`, "# TYPE creche_loop_turn_seconds histogram"} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
	if none, err := creche.Metrics(); none != "" || err != nil {
		t.Errorf("of no loop: %q, %v", none, err)
	}
	s.Close()
	p.Close()
	if err := l.Close(time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := creche.Metrics(l); !errors.Is(err, creche.ErrEnded) {
		t.Errorf("of a loop that has ended: %v", err)
	}
}

func TestThreadsAreCalledAsTheHostSays(t *testing.T) {
	if err := creche.SetThreads(creche.Threads{Prefix: strings.Repeat("x", 16)}); !errors.Is(err, creche.ErrInvalid) {
		t.Errorf("too long: %v", err)
	}
	if err := creche.SetThreads(creche.Threads{Prefix: "gopher", StackSize: 512 << 10, Workers: 2}); err != nil {
		t.Fatal(err)
	}
	l, err := creche.NewLoop(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(time.Minute)
	if err := creche.SetThreads(creche.Threads{}); err != nil {
		t.Fatal(err)
	}
	threads, _ := filepath.Glob("/proc/self/task/*/comm")
	for _, path := range threads {
		if name, _ := os.ReadFile(path); string(name) == "gopher\n" {
			return
		}
	}
	t.Error("no thread is called so")
}
