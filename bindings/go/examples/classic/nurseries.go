package main

import (
	"context"
	"fmt"
	"time"

	"libcreche/creche"
)

const tick = 100 * time.Millisecond

// show: nursery
func nursery(ctx context.Context) {
	check(creche.Run(ctx, func(_ context.Context, g *creche.Group) error {
		for name, d := range map[string]time.Duration{"slow": 2 * tick, "quick": tick} {
			g.Go(func(ctx context.Context) error {
				check(creche.Sleep(ctx, d))
				return say(name, "is done")
			})
		}
		return nil
	}))
	fmt.Println("all are done")
}

// end: nursery

// show: chained
func level(ctx context.Context, depth int) error {
	defer fmt.Println("level", depth, "ends")
	return creche.Run(ctx, func(ctx context.Context, below *creche.Group) error {
		if depth < 3 {
			below.Go(func(ctx context.Context) error { return level(ctx, depth+1) })
		}
		return creche.Sleep(ctx, time.Hour)
	})
}
func chained(ctx context.Context) {
	first := func(ctx context.Context) error { return level(ctx, 1) }
	check(creche.Scope(ctx, first, creche.Timeout(tick), creche.MoveOn()))
}

// end: chained

// show: task_group
func taskGroup(ctx context.Context) {
	add := func(ctx context.Context, pair [2]int) (int, error) {
		return pair[0] + pair[1], creche.Sleep(ctx, tick)
	}
	sums := must(creche.Map(ctx, [][2]int{{1, 2}, {3, 4}}, add))
	fmt.Println(sums[0], sums[1])
}

// end: task_group

// show: shield
func shield(ctx context.Context) {
	check(creche.Scope(ctx, func(ctx context.Context) error {
		defer creche.Shield(ctx, 5*time.Second, func(ctx context.Context) error {
			check(creche.Sleep(ctx, tick))
			return say("cleaned up")
		})
		return creche.Sleep(ctx, time.Hour)
	}, creche.Timeout(tick), creche.MoveOn()))
}

// end: shield
