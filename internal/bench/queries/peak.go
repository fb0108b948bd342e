package queries

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"flowring/internal/bench/server"
	"flowring/internal/bench/workload"
)

var empty = server.Kind{Name: "4 nodes, R=1: the node asked, without the hour", Nodes: 4, Copies: 1, Slices: 1}

// peakMiB is the bar for the growth of the memory of the node asked.
const peakMiB = 64

// peak measures the memory of a node that is asked for the largest of many groups and holds none of the flows.
func peak(ctx context.Context, l server.Launcher, groups int) (r Result, err error) {
	s, err := l.Start(ctx, empty, "GOGC=10", // then resident memory holds little garbage
		fmt.Sprint("FLOWRING_MAX_GROUPS_PER_QUERY=", 2*groups))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.End()) }()
	posts := workload.InOrder(s.Hour, 1, workload.BodyRecords, groups, workload.Scattered)
	w := workload.New("groups", workload.Few, int64(groups/workload.BodyRecords), posts)
	if _, err := w.Run(ctx, s); err != nil {
		return r, err
	}
	asked, err := nodeWithoutHours(ctx, s)
	if err != nil {
		return r, err
	}
	var answer strings.Builder
	grown, err := growth(s, asked, func() error {
		path := fmt.Sprintf("/flows?from=%d&to=%d&top=%d", s.Hour, s.Hour+1, topRows)
		return server.Get(ctx, s.Addresses()[asked], path, &answer)
	})
	if others := fmt.Sprintf(`"groups":%d`, groups-topRows); err == nil && !strings.Contains(answer.String(), others) {
		err = fmt.Errorf("the answer lacks %s: %.2000s", others, answer.String())
	}
	r = Result{Name: fmt.Sprintf("%s: memory for the top %d of %d groups", Title, topRows, groups), Unit: "MiB over idle"}
	r.Kinds, r.Costs = []server.Kind{empty}, [][]float64{{float64(grown) / (1 << 20)}}
	r.Bars = []Bar{{empty, server.Kind{}, peakMiB}}
	return r, err
}

// nodeWithoutHours returns the number of a process without hours.
func nodeWithoutHours(ctx context.Context, s *server.Server) (int, error) {
	for i, addr := range s.Addresses() {
		view, err := server.Members(ctx, addr)
		if err != nil {
			return 0, err
		}
		for _, m := range view.Members {
			if m.Name == view.Node && m.Hours == 0 {
				return i, nil
			}
		}
	}
	return 0, errors.New("every node holds the hour")
}

// growth returns the largest growth of the memory of a process while do runs.
func growth(s *server.Server, process int, do func() error) (bytes int64, err error) {
	idle, err := s.ResidentOf(process)
	if err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- do() }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return bytes, err
		case <-tick.C:
			now, err := s.ResidentOf(process)
			if err != nil {
				return 0, errors.Join(err, <-ended)
			}
			bytes = max(bytes, now-idle)
		}
	}
}

// skipPeak reports why there is too little memory for a number of groups; it is empty if there is enough.
func skipPeak(groups int) string {
	const bytesPerGroup = 1 << 10 // flow, journal and group, with garbage
	free, err := server.AvailableBytes()
	if err == nil && free < int64(groups)*bytesPerGroup {
		return fmt.Sprintf("%d MiB of memory are available, %d needed", free>>20, int64(groups)*bytesPerGroup>>20)
	}
	return ""
}

// withPeak appends the measurement of memory, if it is wanted and fits into the machine.
func withPeak(ctx context.Context, l server.Launcher, groups int, results []Result) ([]Result, error) {
	if groups == 0 {
		return results, nil
	}
	if reason := skipPeak(groups); reason != "" {
		fmt.Fprintf(os.Stderr, "%s: memory of %d groups: SKIPPED: %s\n", Title, groups, reason)
		return results, nil
	}
	r, err := peak(ctx, l, groups)
	if err != nil {
		return nil, err
	}
	return append(results, r), nil
}
