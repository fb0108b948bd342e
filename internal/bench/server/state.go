package server

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// Until repeats try, every 20 ms, until it succeeds, for four minutes at most.
func Until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for err := try(); err != nil; err = try() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
	return nil
}

// Whole returns nil when the cluster is whole: every node knows all nodes, no copy of any of the hours is missing or
// behind, and a read of the first hour is complete. Otherwise it returns the reason.
func (s *Server) Whole(ctx context.Context, hours int) error {
	holding := 0
	for _, addr := range s.Addresses() {
		held, err := s.wholeAt(ctx, addr)
		if err != nil {
			return err
		}
		holding += held
	}
	if holding < hours*s.Kind.Copies {
		return fmt.Errorf("there are %d copies of %d hours", holding, hours)
	}
	return ReadHour(ctx, s.Addresses()[0], s.Hour, "&require=complete")
}

// wholeAt returns the number of hours of one node, and the reason why the cluster is not whole for this node.
func (s *Server) wholeAt(ctx context.Context, addr string) (hours int, err error) {
	view, err := Members(ctx, addr)
	if err != nil {
		return 0, err
	}
	if len(view.Members) != s.Kind.Nodes {
		return 0, fmt.Errorf("%s knows %d stores", addr, len(view.Members))
	}
	for _, m := range view.Members {
		switch {
		case m.State != "alive" || !m.Established || m.Leaving || m.Recovering:
			return 0, fmt.Errorf("%s: %s is not there yet", addr, m.Name)
		case m.Repairing > 0 || m.Behind > 0:
			return 0, fmt.Errorf("%s: %s is being repaired", addr, m.Name)
		case m.Name == view.Node:
			hours += m.Hours
		}
	}
	return hours, nil
}

// Sealed returns nil when every copy of the hours is sealed. Otherwise it returns the number of sealed copies as an
// error.
func (s *Server) Sealed(ctx context.Context, hours int) error {
	sealed, err := s.Metric(ctx, "flowring_store_sealed_total")
	if err != nil {
		return err
	}
	if want := float64(hours * s.Kind.Copies); sealed < want {
		return fmt.Errorf("%v of %v copies are sealed", sealed, want)
	}
	return nil
}

// TableBytes returns the size of the sorted tables of all nodes. After a start the tables hold all data, and the log
// holds none.
func (s *Server) TableBytes() (int64, error) { return tableBytes(s.dir) }

func tableBytes(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".sst" {
			return err
		}
		info, err := d.Info()
		if err != nil { // the node has removed the table
			return nil
		}
		sum += info.Size()
		return nil
	})
	return sum, err
}
