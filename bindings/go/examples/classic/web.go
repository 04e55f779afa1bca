package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"libcreche/creche"
)

// show: session
func session(ctx context.Context, url string) {
	web := must(creche.NewSession(nil))
	defer web.Close()
	for range 3 {
		page := must(web.Get(ctx, url+"/count"))
		fmt.Println(page.Status, string(page.Body))
	}
}

// end: session

// show: timeouts
func timeouts(ctx context.Context, url string) {
	web := must(creche.NewSession(nil))
	defer web.Close()
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := web.Get(ctx, url+"/never"); errors.Is(err, context.DeadlineExceeded) {
		fmt.Println("timed out")
	}
}

// end: timeouts

// show: as_completed
func asCompleted(ctx context.Context, url string) {
	web := must(creche.NewSession(nil))
	defer web.Close()
	paths := []string{"/3", "/1", "/2"}
	must(creche.Map(ctx, paths, func(ctx context.Context, path string) (int, error) {
		return fmt.Println(string(must(web.Get(ctx, url+path)).Body))
	}))
}

// end: as_completed

// show: fail_fast
func failFast(ctx context.Context, url string) {
	web := must(creche.NewSession(&creche.SessionOptions{FailOnStatus: true}))
	defer web.Close()
	get := func(ctx context.Context, path string) (*creche.Response, error) {
		return web.Get(ctx, url+path)
	}
	var group, failed *creche.Error
	_, err := creche.Map(ctx, []string{"/never", "/missing"}, get)
	if errors.As(err, &group) && errors.As(group.Children[0], &failed) {
		fmt.Println("failed with", failed.HTTPStatus)
	}
}

// end: fail_fast
