package main

import (
	"context"
	"fmt"
	"time"

	"flowring/internal/bench"
)

// measure is one thing that servers are compared in.
type measure struct {
	name  string
	unit  string
	kinds []kind
	bars  []bar
	even  float64 // bar for how busy the busiest node of several is; 0: that is not shown
	run   func(context.Context, *server) (sample, error)
	env   []string // of the servers
}

// sample is the outcome of one run. What does not apply is 0.
type sample struct {
	Cost   float64 `json:"cost"` // in the measure's unit
	Allocs float64 `json:"allocations"`
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	Uneven float64 `json:"busiest_node"` // CPU time of the busiest node, in ratio to the mean of all

	refused int64 // 503s, which were sent again
}

// sizes are how much is measured.
type sizes struct {
	rounds     int
	bodies     int // posts of bodyRecords
	smallPosts int // posts of smallRecords
	held       int // flows in memory
	read       int // flows of the hour that is read
	reads      int
}

var (
	full  = sizes{rounds: 5, bodies: 5000, smallPosts: 30_000, held: 1_000_000, read: 200_000, reads: 5}
	short = sizes{rounds: 3, bodies: 300, smallPosts: 3000, held: 100_000, read: 50_000, reads: 3}
)

const (
	bodyRecords  = 1000
	smallRecords = 5
	many         = 64 // connections, of a fleet of agents
	few          = 8
	drawnFlows   = 10_000 // that the records are of
)

// measures returns what is measured. The bars are what the project has set itself.
func measures(n sizes) []measure {
	return []measure{
		{
			name: fmt.Sprintf("POST, %d records in a body, %d connections", bodyRecords, many), unit: "CPU s per million records",
			kinds: []kind{readOnly, plainGo, memory, single, triple, cut, fewSlices, sliced},
			bars:  []bar{{single, plainGo, 0.2}, {triple, single, 2.2}, {sliced, single, 2}}, even: 1.35,
			run: posts{n.bodies, bodyRecords, many, bodyRecords}.measure,
		}, {
			name: fmt.Sprintf("POST, %d records in a body, %d connections", bodyRecords, few), unit: "CPU s per million records",
			kinds: []kind{plainGo, single, triple, sliced}, bars: []bar{{single, plainGo, 0.2}},
			run: posts{n.bodies, bodyRecords, few, bodyRecords}.measure,
		}, {
			name: fmt.Sprintf("POST, %d records in a body, %d connections", smallRecords, many), unit: "CPU µs per request",
			kinds: []kind{readOnly, plainGo, memory, single, triple, sliced}, bars: []bar{{single, plainGo, 1.5}},
			run: posts{n.smallPosts, smallRecords, many, 1}.measure,
		}, {
			name: fmt.Sprintf("GET, %d flows, one of them new since the last GET", n.read), unit: "CPU ms per GET",
			kinds: []kind{plainGo, memory, single, fewSlices, sliced}, bars: []bar{{single, plainGo, 0.25}},
			run: reads{n.read, n.reads, true}.measure,
		}, {
			name: fmt.Sprintf("GET, %d flows, none of them new", n.read), unit: "CPU ms per GET",
			kinds: []kind{plainGo, memory, single}, bars: []bar{{single, plainGo, 0.25}},
			run: reads{n.read, n.reads, false}.measure,
		}, {
			name: fmt.Sprintf("Memory, %d flows in an hour, GOGC=10", n.held), unit: "resident bytes per flow",
			kinds: []kind{plainGo, memory, single}, bars: []bar{{single, kind{}, 120}},
			run: holding(n.held).measure, env: []string{"GOGC=10"}, // little garbage in what is resident
		},
	}
}

// posts is a load of posts with keys. What it costs is per part of a request: each record, or all of it.
type posts struct{ requests, records, connections, parts int }

func (p posts) measure(ctx context.Context, s *server) (sample, error) {
	bodies := p.bodies(s.hour)
	pick := func(n int) []byte { return bodies[n%len(bodies)] }
	if _, err := (load{p.connections, p.requests / 10, post("warm", pick)}).run(ctx, s.addresses()); err != nil {
		return sample{}, err
	}
	return cost(ctx, s, load{p.connections, p.requests, post("load", pick)}, p.requests*p.parts, time.Microsecond)
}

// bodies returns so many different bodies that a processor does not keep them in its caches.
func (p posts) bodies(hour int64) [][]byte {
	bodies := make([][]byte, min(p.requests, 100_000/p.records))
	w := bench.NewWorkload(1, drawnFlows)
	w.Hour = hour
	for i := range bodies {
		bodies[i] = w.Body(p.records)
	}
	return bodies
}

// cost sends a load and returns what it costs: CPU time in a unit, per one of count.
func cost(ctx context.Context, s *server, l load, count int, unit time.Duration) (sample, error) {
	var a *answers
	var before, after []time.Duration
	allocs, err := allocated(ctx, s, func() (err error) {
		if before, err = s.cpu(); err != nil {
			return err
		}
		if a, err = l.run(ctx, s.addresses()); err != nil {
			return err
		}
		after, err = s.cpu()
		return err
	})
	if err != nil {
		return sample{}, err
	}
	took := a.took
	sum, busiest := spent(before, after)
	return sample{
		refused: a.refused.Load(),

		Cost:   float64(sum) / float64(unit) / float64(count),
		Uneven: float64(busiest) * float64(len(after)) / float64(sum),
		Allocs: allocs / float64(len(took)),
		P50:    milliseconds(took[len(took)/2]), P99: milliseconds(took[len(took)*99/100]),
	}, nil
}

// spent returns what several clocks went on by between two readings: all of them together, and that which did most.
func spent(before, after []time.Duration) (sum, most time.Duration) {
	for i, end := range after {
		sum += end - before[i]
		most = max(most, end-before[i])
	}
	return sum, most
}

// allocated returns how many objects a server allocates while do runs. To ask for it allocates too, which it finds out and leaves out.
func allocated(ctx context.Context, s *server, do func() error) (float64, error) {
	first, err := s.allocations(ctx)
	if err != nil {
		return 0, err
	}
	before, err := s.allocations(ctx)
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := s.allocations(ctx)
	return max(0, after-before-(before-first)), err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// fill returns a load that posts flows of an hour so many times each, from the first on.
func fill(hour int64, flows, times int) load {
	bodies := flows / bodyRecords
	return load{few, times * bodies, post("fill", func(n int) []byte {
		n %= bodies
		w := bench.NewWorkload(uint64(n), 1)
		w.Hour = hour
		return w.EachOf(n*bodyRecords, bodyRecords)
	})}
}

// reads is a load of GETs, one after the other, of an hour.
type reads struct {
	flows, requests int
	changing        bool // a flow comes in before each GET, so that nothing that was sorted can be used again
}

func (r reads) measure(ctx context.Context, s *server) (sample, error) {
	if _, err := fill(s.hour, r.flows, max(1, s.kind.slices)).run(ctx, s.addresses()); err != nil { // a flow is in two slices of three
		return sample{}, err
	}
	get := load{1, 1, readHour(s.hour)}
	var all sample
	for i := range r.requests {
		if r.changing {
			if _, err := newFlow(s.hour, r.flows+i).run(ctx, s.addresses()); err != nil {
				return sample{}, err
			}
		}
		got, err := cost(ctx, s, get, 1, time.Millisecond)
		if err != nil {
			return sample{}, err
		}
		all.Cost, all.Allocs, all.P50 = all.Cost+got.Cost, all.Allocs+got.Allocs, all.P50+got.P50
	}
	n := float64(r.requests)
	return sample{Cost: all.Cost / n, Allocs: all.Allocs / n, P50: all.P50 / n}, nil
}

// readHour returns requests that read an hour.
func readHour(hour int64) func(int) (head, body []byte) {
	head := fmt.Appendf(nil, "GET /flows?hour=%d HTTP/1.1\r\nHost: localhost\r\n\r\n", hour)
	return func(int) ([]byte, []byte) { return head, nil }
}

// newFlow returns a load that posts one record, of that flow.
func newFlow(hour int64, flow int) load {
	return load{1, 1, post(fmt.Sprint("new", flow), func(int) []byte {
		w := bench.NewWorkload(1, 1)
		w.Hour = hour
		return w.EachOf(flow, 1)
	})}
}

// holding is a number of flows that are held in one hour.
type holding int

func (h holding) measure(ctx context.Context, s *server) (sample, error) {
	if _, err := fill(s.hour, bodyRecords, 1).run(ctx, s.addresses()); err != nil { // what a server needs at all
		return sample{}, err
	}
	before, err := s.resident()
	if err != nil {
		return sample{}, err
	}
	if _, err := fill(s.hour, int(h), 1).run(ctx, s.addresses()); err != nil {
		return sample{}, err
	}
	after, err := s.resident()
	return sample{Cost: float64(after-before) / float64(h)}, err
}
