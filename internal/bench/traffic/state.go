package traffic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"flowring/internal/bench/server"
	"flowring/internal/bench/workload"
)

// Figure is one figure of a node as it ships.
type Figure struct {
	Name, Unit string
	Value      float64
	Bar        float64 // 0: none
}

const (
	stateName    = "memory, disk and rest"
	batchesName  = "many batches"
	smallFlows   = 1200 // of an hour, where a node has many hours
	smallPost    = 400  // records
	idleFor      = 10 * time.Second
	sealedWithin = time.Minute
	pollEvery    = 50 * time.Millisecond
	settled      = 12 * time.Second // longer than the delay between a deletion and its compaction
)

// State measures memory, disk and idle cost, and hours of small batches, if the name of either contains a text.
func State(ctx context.Context, l server.Launcher, n Sizes, only string) ([]Figure, error) {
	var all []Figure
	for _, m := range []struct {
		name string
		kind server.Kind
		take func(context.Context, *server.Server) ([]Figure, error)
	}{
		{stateName, node, idle}, {stateName, node, n.oneHour}, {stateName, node, n.manyHours},
		{batchesName, triple, n.refill}, {batchesName, node, n.load},
	} {
		if !strings.Contains(m.name, only) {
			continue
		}
		figures, err := with(ctx, l, m.kind, m.take)
		if err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	return all, nil
}

// with measures a new server.
func with(
	ctx context.Context, l server.Launcher, k server.Kind, take func(context.Context, *server.Server) ([]Figure, error),
) (all []Figure, err error) {
	s, err := l.Start(ctx, k)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.End()) }()
	return take(ctx, s)
}

// idle measures a node without requests.
func idle(ctx context.Context, s *server.Server) ([]Figure, error) {
	used, err := workload.CPU(s, func() error {
		select {
		case <-time.After(idleFor):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return nil, err
	}
	resident, err := s.Resident()
	return []Figure{
		{"an idle node", "CPU s per minute", used[0].Seconds() * float64(time.Minute/idleFor), 0.15},
		{"an idle node", "resident MB", float64(resident) / 1e6, 40},
	}, err
}

// oneHour measures an hour whose flows each have one record.
func (n Sizes) oneHour(ctx context.Context, s *server.Server) ([]Figure, error) {
	grown, err := growth(ctx, s, workload.Fill("fill", s.Hour, n.Flows, 1))
	if err != nil {
		return nil, err
	}
	s.Kill(0)
	if err := s.Launch(ctx); err != nil { // which moves the log into tables
		return nil, err
	}
	bytes, err := s.TableBytes()
	if err != nil {
		return nil, err
	}
	name, count := fmt.Sprintf("%d flows in one hour", n.Flows), float64(n.Flows)
	all := []Figure{
		{name, "resident bytes per flow", float64(grown) / count, n.bar(80)},
		{name, "bytes on disk per record, before sealing", float64(bytes) / count, 0},
	}
	if !n.All {
		return all, nil
	}
	bytes, err = sealed(ctx, s)
	return append(all, Figure{name, "bytes on disk per flow, sealed", float64(bytes) / count, 0}), err
}

// bar returns a bar, which is for the numbers of the long form.
func (n Sizes) bar(bytes float64) float64 {
	if n.All {
		return bytes
	}
	return 0
}

// sealed starts the node again with a short time until sealing. It returns the size of the tables once the hour is
// sealed and the node has deleted the replaced tables.
func sealed(ctx context.Context, s *server.Server) (bytes int64, err error) {
	s.Kill(0)
	s.Flags = []string{"--seal-after", "1s"}
	if err := s.Launch(ctx); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, sealedWithin)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for since := time.Now(); time.Since(since) < settled; {
		err = s.Sealed(ctx, 1)
		now, sizeErr := s.TableBytes()
		if sizeErr != nil {
			return 0, sizeErr
		}
		if err != nil || now != bytes {
			bytes, since = now, time.Now()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return bytes, fmt.Errorf("wait until an hour is sealed: %w", errors.Join(ctx.Err(), err))
		}
	}
	return bytes, nil
}

// manyHours measures the memory of small hours.
func (n Sizes) manyHours(ctx context.Context, s *server.Server) ([]Figure, error) {
	hours := n.Flows / smallFlows
	posts := workload.InOrder(s.Hour, hours, smallPost, smallFlows, 1)
	grown, err := growth(ctx, s, workload.New("fill", workload.Few, int64(hours*smallFlows/smallPost), posts))
	name := fmt.Sprintf("%d hours of %d flows", hours, smallFlows)
	return []Figure{{name, "resident bytes per flow", float64(grown) / float64(hours*smallFlows), n.bar(110)}}, err
}

// growth returns the growth of resident memory during a workload. A small workload comes before it.
func growth(ctx context.Context, s *server.Server, w workload.Workload) (int64, error) {
	if _, err := workload.Fill("first", s.Hour-1, workload.BodyRecords*workload.Few, 1).Run(ctx, s); err != nil {
		return 0, err
	}
	before, err := s.Resident()
	if err != nil {
		return 0, err
	}
	if _, err := w.Run(ctx, s); err != nil {
		return 0, err
	}
	after, err := s.Resident()
	return after - before, err
}

// WriteState writes a table of figures, if there are any.
func WriteState(w io.Writer, figures []Figure) error {
	if len(figures) == 0 {
		return nil
	}
	tabs := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tabs, "\nTraffic, %s, %s: flowring as it ships\n\tFIGURE\tBAR\tHOLDS\n", stateName,
		batchesName)
	for _, f := range figures {
		fmt.Fprintf(tabs, "%s, %s\t%s\t%s\t%s\n", f.Name, f.Unit, number(f.Value), number(f.Bar), f.holds())
	}
	return tabs.Flush()
}

// holds tells whether a figure is within its bar.
func (f Figure) holds() string {
	if f.Bar == 0 {
		return ""
	}
	return holds(f.Value / f.Bar)
}
