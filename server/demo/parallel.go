package demo

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// inParallel calls f for 0 to n-1, as many at once as there are processors, and stops at the first error.
func inParallel(ctx context.Context, n int, f func(i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return f(i)
		})
	}
	return g.Wait()
}
