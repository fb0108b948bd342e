package traffic

import (
	"context"
	"fmt"
	"time"

	"flowring/internal/bench/server"
	"flowring/internal/bench/workload"
)

const batchRecords = 5

// triple is a cluster whose nodes all hold each hour. A cluster of two nodes does not forget a lost disk alone.
var triple = server.Kind{Name: "flowring R=3", Nodes: 3, Copies: 3, Slices: 1}

// fleet returns posts of 5 records of one hour, as a fleet of agents sends them.
func fleet(s *server.Server, count int) workload.Workload {
	posts := workload.InOrder(s.Hour, 1, batchRecords, 20*smallFlows, 1)
	return workload.New("fleet", workload.Many, int64(count), posts)
}

// refill measures the time from the start of a node with an empty disk to the moment at which the node has all batches
// of an hour.
func (n Sizes) refill(ctx context.Context, s *server.Server) ([]Figure, error) {
	whole := func() error { return s.Whole(ctx, 1) }
	if _, err := fleet(s, n.Refilled).Run(ctx, s); err != nil {
		return nil, err
	}
	if err := server.Until(ctx, whole); err != nil {
		return nil, fmt.Errorf("before the loss of a disk: %w", err)
	}
	if err := s.LoseDisk(); err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := s.Launch(ctx); err != nil {
		return nil, err
	}
	err := server.Until(ctx, whole)
	name := fmt.Sprintf("a disk refilled with %d batches of %d records", n.Refilled, batchRecords)
	return []Figure{{name, "s", time.Since(begun).Seconds(), n.bar(10)}}, err
}

// load measures the disk of an hour of small batches, and its first GET after a start, which reads all of them.
func (n Sizes) load(ctx context.Context, s *server.Server) ([]Figure, error) {
	if _, err := fleet(s, n.Loaded).Run(ctx, s); err != nil {
		return nil, err
	}
	s.Kill(0)
	if err := s.Launch(ctx); err != nil {
		return nil, err
	}
	bytes, err := s.TableBytes()
	if err != nil {
		return nil, err
	}
	took, err := workload.Read(ctx, s, s.Hour)
	name := fmt.Sprintf("an hour of %d batches of %d records", n.Loaded, batchRecords)
	return []Figure{
		{name, "s to load and read it", took.Seconds(), n.bar(2)},
		{name, "bytes on disk per record, before sealing", float64(bytes) / float64(n.Loaded*batchRecords), 0},
	}, err
}
