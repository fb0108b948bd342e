package pages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"flowring/flow"
	"flowring/internal/bench/server"
	"flowring/internal/bench/workload"
)

// Title is the beginning of the titles of all tables.
const Title = "Page"

// Sizes are the sizes of a measurement.
type Sizes struct {
	Posts int // of workload.BodyRecords flows, of each hour
	Loads int
}

// The sizes for a whole measurement, of a million flows, and for a short one.
var (
	Full  = Sizes{Posts: 42, Loads: 50}
	Short = Sizes{Posts: 5, Loads: 10}
)

// hours is the number of hours of the page, as of the page without parameters.
const hours = 24

// Limit is the bar for the time of a load, in milliseconds.
const Limit = 300

// Flows returns the number of flows of the page.
func (n Sizes) Flows() int { return hours * n.Posts * workload.BodyRecords }

// Name returns the title of the table.
func (n Sizes) Name() string {
	return fmt.Sprintf("%s: the overview of %d flows in %d hours", Title, n.Flows(), hours)
}

// Loads are the loads of a page, in milliseconds.
type Loads struct {
	Kind      server.Kind
	Wall, CPU []float64
}

// Measure loads the page at one kind of cluster.
func Measure(ctx context.Context, l server.Launcher, k server.Kind, n Sizes) (all Loads, err error) {
	s, err := l.Start(ctx, k)
	if err != nil {
		return all, err
	}
	defer func() { err = errors.Join(err, s.End()) }()
	if err := n.fill(ctx, s); err != nil {
		return all, err
	}
	all.Kind = k
	path := fmt.Sprintf("/?from=%d&to=%d", s.Hour, s.Hour+hours)
	load := func() error { return load(ctx, s.Addresses()[0], path) }
	if err := first(ctx, load); err != nil {
		return all, err
	}
	for range n.Loads {
		begun := time.Now()
		used, err := workload.CPU(s, load)
		if err != nil {
			return all, err
		}
		all.Wall = append(all.Wall, milliseconds(time.Since(begun)))
		var sum time.Duration
		for _, cpu := range used {
			sum += cpu
		}
		all.CPU = append(all.CPU, milliseconds(sum))
	}
	fmt.Fprintf(os.Stderr, "%s: %s: p50 %.0f ms, p90 %.0f ms; CPU p50 %.0f ms; load average %s\n", n.Name(), k.Name,
		quantile(all.Wall, 0.5), quantile(all.Wall, 0.9), quantile(all.CPU, 0.5), average())
	return all, nil
}

// first loads a page until it is whole: nodes that have just formed a cluster may not answer queries yet.
func first(ctx context.Context, load func() error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := load()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// fill posts other flows for each hour.
func (n Sizes) fill(ctx context.Context, s *server.Server) error {
	for i := range hours {
		posts := workload.Part(s.Hour+flow.Hour(i), n.Flows(), i*n.Posts)
		if _, err := workload.New(fmt.Sprint("page-", i), workload.Few, int64(n.Posts), posts).Run(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// whole is in a page with its last chart.
const whole = "Who talks to whom as a table"

// load loads a page, and checks that it is whole.
func load(ctx context.Context, addr, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Accept-Encoding", "identity")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || !strings.Contains(string(page), whole)) {
		err = fmt.Errorf("GET %s: %s: the page is not whole: %.300s", path, res.Status, page)
	}
	return err
}

// quantile returns the number below which a share of the numbers is.
func quantile(numbers []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(numbers))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

// average returns the load average of the machine of the last minute; empty: unknown.
func average() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return minute
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
