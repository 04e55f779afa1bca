// Goroutines with errgroup, contexts, channels. usage: go_bench SECTION N [TOTAL]
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// CPU time of the process, as in core_bench; in nanoseconds.
func now() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func each(start int64, n int) float64 {
	return float64(now()-start) / float64(n)
}

func show(name string, value float64) { fmt.Printf("%s %.1f\n", name, value) }

func resident() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	var all, pages int
	if _, err := fmt.Sscan(string(text), &all, &pages); err != nil {
		panic(err)
	}
	return float64(pages * os.Getpagesize())
}

// Long, and in no order.
func duration(i, n int) time.Duration {
	return 1000*time.Second + time.Duration(i*7919%n)*time.Millisecond
}

func empty() error { return nil }

func groups(n, width int) float64 {
	start := now()
	for done := 0; done < n; done += width {
		var group errgroup.Group
		for i := 0; i < width; i++ {
			group.Go(empty)
		}
		if err := group.Wait(); err != nil {
			panic(err)
		}
	}
	return each(start, n)
}

// n goroutines, all of them asleep.
func sleepers(n int) (*errgroup.Group, context.CancelFunc) {
	parent, cancel := context.WithCancel(context.Background())
	group, ctx := errgroup.WithContext(parent)
	var begun atomic.Int64
	for i := 0; i < n; i++ {
		group.Go(func() error {
			timer := time.NewTimer(duration(i, n))
			defer timer.Stop()
			begun.Add(1)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timer.C:
				return nil
			}
		})
	}
	for begun.Load() < int64(n) {
		runtime.Gosched()
	}
	return group, cancel
}

func cancelled(n int) float64 {
	group, cancel := sleepers(n)
	start := now()
	cancel()
	if group.Wait() != context.Canceled {
		panic("not cancelled")
	}
	return each(start, n)
}

// warm: the first of two rounds, which makes what the second uses again.
func timers(n int, warm bool) {
	all := make([]*time.Timer, n)
	start := now()
	for i := range all {
		all[i] = time.AfterFunc(duration(i, n), func() {})
	}
	add := each(start, n)
	start = now()
	for _, timer := range all {
		timer.Stop()
	}
	if !warm {
		show("timer_cancel", each(start, n))
		show("timer_add", add)
	}
}

func post(n int) float64 {
	functions := make(chan func(), 1024)
	start := now()
	go func() {
		runtime.LockOSThread() // another thread, as with the others
		for i := 0; i < n; i++ {
			functions <- func() {}
		}
		close(functions)
	}()
	for function := range functions {
		function()
	}
	return each(start, n)
}

func drain(n int) float64 {
	queue := make(chan int, n)
	for i := 0; i < n; i++ {
		queue <- i
	}
	close(queue)
	start := now()
	for range queue {
	}
	return each(start, n)
}

func scopes(n int) float64 {
	root, stop := context.WithCancel(context.Background())
	defer stop()
	start := now()
	for i := 0; i < n; i++ {
		_, cancel := context.WithCancel(root)
		cancel()
	}
	return each(start, n)
}

// By so many goroutines, which stand in line from the start: each hands the token to the next.
func acquired(n, goroutines int) float64 {
	one := semaphore.NewWeighted(1)
	background := context.Background()
	one.TryAcquire(1)
	var all sync.WaitGroup
	for i := 0; i < goroutines; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for k := 0; k < n/goroutines; k++ {
				if err := one.Acquire(background, 1); err != nil {
					panic(err)
				}
				one.Release(1)
			}
		}()
	}
	for i := 0; i < 100; i++ {
		runtime.Gosched() // they stand in line
	}
	start := now()
	one.Release(1)
	all.Wait()
	return each(start, n)
}

func tried(n int) float64 {
	one := semaphore.NewWeighted(1)
	start := now()
	for i := 0; i < n; i++ {
		if !one.TryAcquire(1) {
			panic("not free")
		}
		one.Release(1)
	}
	return each(start, n)
}

// n goroutines that wait for one event, from their start to their end.
func event(n int) float64 {
	happened := make(chan struct{})
	start := now()
	var group errgroup.Group
	var begun atomic.Int64
	for i := 0; i < n; i++ {
		group.Go(func() error {
			begun.Add(1)
			<-happened
			return nil
		})
	}
	for begun.Load() < int64(n) {
		runtime.Gosched()
	}
	close(happened)
	_ = group.Wait()
	return each(start, n)
}

func channel(n int) float64 {
	items := make(chan int, 64)
	start := now()
	go func() {
		for i := 0; i < n; i++ {
			items <- i
		}
	}()
	for i := 0; i < n; i++ {
		<-items
	}
	return each(start, n)
}

func memory(n int) float64 {
	cancelled(1000)
	debug.FreeOSMemory()
	before := resident()
	group, cancel := sleepers(n)
	bytes := (resident() - before) / float64(n)
	cancel()
	_ = group.Wait()
	return bytes
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

func main() {
	n := number(os.Args[2])
	total := n
	if len(os.Args) > 3 {
		total = number(os.Args[3])
	}
	switch os.Args[1] {
	case "spawn":
		groups(2000, 1000)
		show("spawn_join", groups(n, 1000))
	case "scope":
		show("scope_open_close", scopes(n))
	case "cancel":
		cancelled(10000)
		show("cancel_sleeper", cancelled(n))
	case "timers":
		timers(n, true)
		timers(n, false)
	case "post":
		show("post", post(n))
	case "drain":
		drain(10000)
		show("queue_drain", drain(n))
	case "limiter":
		show("limiter_try", tried(n))
		show("limiter_acquire", acquired(n, 1))
		show("limiter_handover", acquired(n, 100))
	case "event":
		event(10000)
		show("event_wait", event(n))
	case "channel":
		channel(10000)
		show("channel_item", channel(n))
	case "memory":
		show("task_memory", memory(n))
	case "cost":
		groups(n, n)
		show(fmt.Sprintf("cost_%d", n), groups((total+n-1)/n*n, n))
	default:
		panic("no section " + os.Args[1])
	}
}
