package creche

import "context"

// Map calls fn for each of the inputs, concurrently, as children of a group, and returns the results
// in the order of the inputs. With Collect, the results of calls that failed are zero.
func Map[In, Out any](ctx context.Context, inputs []In, fn func(context.Context, In) (Out, error), options ...Option) ([]Out, error) {
	results := make([]Out, len(inputs))
	err := Run(ctx, func(_ context.Context, g *Group) error {
		for i, input := range inputs {
			g.Go(func(ctx context.Context) (err error) {
				results[i], err = fn(ctx, input)
				return err
			})
		}
		return nil
	}, options...)
	return results, err
}

// First calls all functions concurrently and returns the result of the first that succeeds; the
// others are cancelled, and have ended when First returns.
func First[T any](ctx context.Context, functions []func(context.Context) (T, error), options ...Option) (T, error) {
	var winner T
	won := make(chan T, len(functions))
	err := Run(ctx, func(_ context.Context, g *Group) error {
		for _, fn := range functions {
			g.Go(func(ctx context.Context) error {
				result, err := fn(ctx)
				if err == nil {
					won <- result
				}
				return err
			})
		}
		return nil
	}, append(options[:len(options):len(options)], Race)...) // not into the caller's array
	if err == nil && len(won) > 0 {
		winner = <-won
	}
	return winner, err
}
