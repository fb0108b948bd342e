package owners

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// InParallel does something with each of n batches until it fails with one. It reports whether all were seen before.
func InParallel(
	ctx context.Context, n int, do func(ctx context.Context, i int) (replayed bool, err error),
) (allReplayed bool, err error) {
	const parallel = 64 // a posting may have thousands of hours
	var fresh atomic.Bool
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i := range n {
		g.Go(func() error {
			replayed, err := do(ctx, i)
			if !replayed {
				fresh.Store(true)
			}
			return err
		})
	}
	err = g.Wait()
	return !fresh.Load(), err
}
