package main

import (
	"context"
	"fmt"
	"time"

	"flowring/internal/bench/bodies"
	"flowring/internal/bench/server"
	"flowring/internal/bench/workload"
)

// measure is one comparison of servers.
type measure struct {
	name  string
	unit  string
	kinds []server.Kind
	bars  []bar
	even  float64 // bar for the busiest node, in ratio to the mean of all nodes; 0: not shown
	run   func(context.Context, *server.Server) (sample, error)
	env   []string // additional environment variables of the servers
}

// sample is the outcome of one run. A figure that does not apply is 0.
type sample struct {
	Cost   float64 `json:"cost"` // in the measure's unit
	Allocs float64 `json:"allocations"`
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	Uneven float64 `json:"busiest_node"` // CPU time of the busiest node, in ratio to the mean of all

	refused int64 // answers with the status 503; the posts were sent again
}

// sizes are the sizes of the measurements.
type sizes struct {
	rounds     int
	bodies     int // posts of workload.BodyRecords
	smallPosts int // posts of smallRecords
	held       int // flows in memory
	read       int // flows of the hour of the GETs
	reads      int
	connects   int // connections with one request
}

var (
	full  = sizes{rounds: 5, bodies: 5000, smallPosts: 30_000, held: 1_000_000, read: 200_000, reads: 5, connects: 5000}
	short = sizes{rounds: 3, bodies: 300, smallPosts: 3000, held: 100_000, read: 50_000, reads: 3, connects: 500}
)

const (
	smallRecords = 5
	drawnFlows   = 10_000 // flows of the records
)

// The kinds of servers.
var (
	readOnly  = server.Kind{Name: "HTTP read only", Yardstick: serveReadOnly}
	plainGo   = server.Kind{Name: "plain Go", Yardstick: servePlain}
	memory    = server.Kind{Name: "flowring, no journal", Yardstick: serveMemory}
	single    = server.Kind{Name: "flowring R=1", Nodes: 1, Copies: 1, Slices: 1}
	triple    = server.Kind{Name: "flowring R=3 W=2", Nodes: 3, Copies: 3, Slices: 1}
	singleTLS = server.Kind{Name: "flowring R=1, TLS", Nodes: 1, Copies: 1, Slices: 1, TLS: true}
	tripleTLS = server.Kind{Name: "flowring R=3 W=2, peer TLS", Nodes: 3, Copies: 3, Slices: 1, PeerTLS: true}
	ofGzip    = server.Kind{Name: "flowring R=1, JSON with gzip", Nodes: 1, Copies: 1, Slices: 1}
	ofProto   = server.Kind{Name: "flowring R=1, protobuf", Nodes: 1, Copies: 1, Slices: 1}
	ofOTLP    = server.Kind{Name: "flowring R=1, OTLP", Nodes: 1, Copies: 1, Slices: 1}
	spread    = server.Kind{Name: "3 nodes, R=1", Nodes: 3, Copies: 1, Slices: 1}
	cut       = server.Kind{Name: "flowring R=1, 16 slices", Nodes: 1, Copies: 1, Slices: 16}
	fewSlices = server.Kind{Name: "4 nodes, R=1, 4 slices", Nodes: 4, Copies: 1, Slices: 4}
	sliced    = server.Kind{Name: "4 nodes, R=1, 16 slices", Nodes: 4, Copies: 1, Slices: 16}
)

// barsOfReads returns the bars of a GET. The fixed cost of a call to each slice outweighs the flows of a short run.
func barsOfReads(n sizes) []bar {
	bars := []bar{{single, plainGo, 0.25}}
	if n.read >= 200_000 {
		bars = append(bars, bar{fewSlices, single, 2.5})
	}
	return bars
}

// measures returns the measurements. Their bars are goals of the project.
func measures(n sizes) []measure {
	return []measure{
		{
			name: postTitle(workload.BodyRecords, workload.Many), unit: "CPU s per million records",
			kinds: []server.Kind{readOnly, plainGo, memory, single, triple, cut, fewSlices, sliced},
			bars:  []bar{{single, plainGo, 0.2}, {triple, single, 1.8}, {sliced, single, 1.5}}, even: 1.35,
			run: posts{n.bodies, workload.BodyRecords, workload.Many, workload.BodyRecords}.measure,
		}, {
			name: postTitle(workload.BodyRecords, workload.Few), unit: "CPU s per million records",
			kinds: []server.Kind{plainGo, single, triple, sliced}, bars: []bar{{single, plainGo, 0.2}},
			run: posts{n.bodies, workload.BodyRecords, workload.Few, workload.BodyRecords}.measure,
		}, {
			name: postTitle(smallRecords, workload.Many), unit: "CPU µs per request",
			kinds: []server.Kind{readOnly, plainGo, memory, single, triple, sliced},
			bars:  []bar{{single, plainGo, 1.5}, {triple, single, 1.8}},
			run:   posts{n.smallPosts, smallRecords, workload.Many, 1}.measure,
		}, {
			name: "Forms of a body: " + postTitle(workload.BodyRecords, workload.Few), unit: "CPU s per million records",
			kinds: []server.Kind{single, ofGzip, ofProto, ofOTLP}, bars: []bar{{ofProto, single, 0.65}},
			run: forms(n.bodies).measure,
		}, {
			name: "TLS between nodes: " + postTitle(workload.BodyRecords, workload.Many), unit: "CPU s per million records",
			kinds: []server.Kind{triple, tripleTLS}, bars: []bar{{tripleTLS, triple, 1.15}},
			run: posts{n.bodies, workload.BodyRecords, workload.Many, workload.BodyRecords}.measure,
		}, {
			name: "TLS on the public port: " + postTitle(workload.BodyRecords, workload.Many), unit: "CPU s per million records",
			kinds: []server.Kind{single, singleTLS}, bars: []bar{{singleTLS, single, 1.25}},
			run: posts{n.bodies, workload.BodyRecords, workload.Many, workload.BodyRecords}.measure,
		}, {
			name: "TLS on the public port: a new connection for a small request", unit: "CPU µs per connection",
			kinds: []server.Kind{single, singleTLS},
			run:   connects(n.connects).measure,
		}, {
			name: fmt.Sprintf("GET, %d flows, one of them new since the last GET", n.read), unit: "CPU ms per GET",
			kinds: []server.Kind{plainGo, memory, single, fewSlices, sliced},
			bars:  barsOfReads(n),
			run:   reads{n.read, n.reads, true}.measure,
		}, {
			name: fmt.Sprintf("GET, %d flows, none of them new", n.read), unit: "CPU ms per GET",
			kinds: []server.Kind{plainGo, memory, single}, bars: []bar{{single, plainGo, 0.25}},
			run: reads{n.read, n.reads, false}.measure,
		}, {
			name: fmt.Sprintf("Memory, %d flows in an hour, GOGC=10", n.held), unit: "resident bytes per flow",
			kinds: []server.Kind{plainGo, memory, single}, bars: []bar{{single, server.Kind{}, 120}},
			run: holding(n.held).measure, env: []string{"GOGC=10"}, // then resident memory holds little garbage
		},
	}
}

// postTitle returns the title of a measurement of posts.
func postTitle(records, connections int) string {
	return fmt.Sprintf("POST, %d records in a body, %d connections", records, connections)
}

// posts is a measurement of posts with keys. The cost is per part of a post: each record, or the whole.
type posts struct{ requests, records, connections, parts int }

func (p posts) measure(ctx context.Context, s *server.Server) (sample, error) {
	all := workload.Drawn(s.Hour, p.records, drawnFlows)
	if _, err := workload.New("warm", p.connections, int64(p.requests/10), all).Run(ctx, s); err != nil {
		return sample{}, err
	}
	return cost(ctx, s, workload.New("load", p.connections, int64(p.requests), all), p.requests*p.parts, time.Microsecond)
}

// cost runs a workload and returns its cost: CPU time in a unit, divided by count.
func cost(ctx context.Context, s *server.Server, w workload.Workload, count int, unit time.Duration) (sample, error) {
	var d workload.Done
	used, err := meter(ctx, s, func() (err error) {
		d, err = w.Run(ctx, s)
		return err
	})
	if err != nil {
		return sample{}, err
	}
	got := used.sample(count, unit, w.Count)
	got.refused = d.Refused
	got.P50, got.P99 = milliseconds(d.Latency.Quantile(.5)), milliseconds(d.Latency.Quantile(.99))
	return got, nil
}

// forms is a number of posts in one form of a body; the kind of the server says which.
type forms int

func (n forms) measure(ctx context.Context, s *server.Server) (sample, error) {
	form := bodies.JSON
	switch s.Kind {
	case ofGzip:
		form = bodies.Gzip
	case ofProto:
		form = bodies.Protobuf
	case ofOTLP:
		form = bodies.OTLP
	}
	all, err := form.Encode(s.Hour, workload.BodyRecords, drawnFlows)
	if err != nil {
		return sample{}, err
	}
	if err := form.Post(ctx, s, "warm", all, int(n)/10, workload.Few); err != nil {
		return sample{}, err
	}
	used, err := meter(ctx, s, func() error { return form.Post(ctx, s, "load", all, int(n), workload.Few) })
	if err != nil {
		return sample{}, err
	}
	return used.sample(int(n)*workload.BodyRecords, time.Microsecond, int64(n)), nil
}

// usage is the cost of a server.
type usage struct {
	cpu         []time.Duration // of each process
	allocations float64
}

// sample returns the cost as CPU time in a unit, divided by count, and the allocations of each request.
func (u usage) sample(count int, unit time.Duration, requests int64) sample {
	sum, busiest := u.sum()
	return sample{
		Cost:   float64(sum) / float64(unit) / float64(count),
		Uneven: float64(busiest) * float64(len(u.cpu)) / float64(sum),
		Allocs: u.allocations / float64(requests),
	}
}

// sum returns the CPU time of all processes, and that of the busiest process.
func (u usage) sum() (sum, busiest time.Duration) {
	for _, used := range u.cpu {
		sum += used
		busiest = max(busiest, used)
	}
	return sum, busiest
}

// meter returns the cost of a server while do runs. Reading the number of allocations allocates objects, too; meter
// measures that and subtracts it.
func meter(ctx context.Context, s *server.Server, do func() error) (u usage, err error) {
	first, err := s.Allocations(ctx)
	if err != nil {
		return u, err
	}
	before, err := s.Allocations(ctx)
	if err != nil {
		return u, err
	}
	if u.cpu, err = workload.CPU(s, do); err != nil {
		return u, err
	}
	after, err := s.Allocations(ctx)
	u.allocations = max(0, after-before-(before-first))
	return u, err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// reads is a measurement of GETs of an hour, one after the other.
type reads struct {
	flows, requests int
	changing        bool // one flow is added before each GET, so that the server has to sort again
}

func (r reads) measure(ctx context.Context, s *server.Server) (sample, error) {
	times := max(1, s.Kind.Slices) // then each flow is in about two thirds of the slices
	if _, err := workload.Fill("fill", s.Hour, r.flows, times).Run(ctx, s); err != nil {
		return sample{}, err
	}
	var all sample
	for i := range r.requests {
		if r.changing {
			if _, err := workload.NewFlow(s.Hour, r.flows+i).Run(ctx, s); err != nil {
				return sample{}, err
			}
		}
		var took time.Duration
		used, err := meter(ctx, s, func() (err error) {
			took, err = workload.Read(ctx, s, s.Hour)
			return err
		})
		if err != nil {
			return sample{}, err
		}
		got := used.sample(1, time.Millisecond, 1)
		all.Cost, all.Allocs, all.P50 = all.Cost+got.Cost, all.Allocs+got.Allocs, all.P50+milliseconds(took)
	}
	n := float64(r.requests)
	return sample{Cost: all.Cost / n, Allocs: all.Allocs / n, P50: all.P50 / n}, nil
}

// connects is a measurement of connections with one small request each.
type connects int

func (n connects) measure(ctx context.Context, s *server.Server) (sample, error) {
	if err := workload.Connect(ctx, s, int(n)/10); err != nil {
		return sample{}, err
	}
	used, err := meter(ctx, s, func() error { return workload.Connect(ctx, s, int(n)) })
	if err != nil {
		return sample{}, err
	}
	return used.sample(int(n), time.Microsecond, int64(n)), nil
}

// holding is a measurement of memory: a number of flows in one hour.
type holding int

func (h holding) measure(ctx context.Context, s *server.Server) (sample, error) {
	// the memory of any server
	if _, err := workload.Fill("first", s.Hour, workload.BodyRecords, 1).Run(ctx, s); err != nil {
		return sample{}, err
	}
	before, err := s.Resident()
	if err != nil {
		return sample{}, err
	}
	if _, err := workload.Fill("fill", s.Hour, int(h), 1).Run(ctx, s); err != nil {
		return sample{}, err
	}
	after, err := s.Resident()
	return sample{Cost: float64(after-before) / float64(h)}, err
}
