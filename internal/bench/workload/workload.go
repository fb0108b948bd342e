package workload

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"flowring/flow"
	"flowring/internal/bench/server"
	"flowring/internal/load"
)

// The usual size of posts and number of connections.
const (
	BodyRecords = 1000
	Many        = 64 // connections, of a fleet of agents
	Few         = 8
)

// postWithin is the limit for one post with all its retries. A node whose disk is busy refuses a post only after
// seconds.
const postWithin = time.Minute

// Workload is a number of posts. Each connection stays open and sends the next post as soon as the last one is
// answered.
type Workload struct {
	// prefix of the idempotency keys; unique for each server; empty: posts without keys, without retries
	key         string
	connections int
	Count       int64 // of posts
	Posts       load.Posts
	Header      http.Header // additional headers of each request
}

// New returns a workload. The key is the prefix of the idempotency keys, and is unique for each server.
func New(key string, connections int, count int64, posts load.Posts) Workload {
	return Workload{key: key, connections: connections, Count: count, Posts: posts}
}

// Done is the result of a workload.
type Done struct {
	Latency *load.Counts // of each post with its retries
	Refused int64        // answers with the status 503; the posts were sent again
}

// Run sends the posts, and stops at the first post that is not stored. It spreads the connections evenly over the
// processes of the server. After a refusal it sends a post to the same process again.
func (w Workload) Run(ctx context.Context, s *server.Server) (Done, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	senders, err := w.senders(s)
	if err != nil {
		return Done{}, err
	}
	free := make(chan *load.Sender, w.connections) // one for each connection
	for i := range w.connections {
		free <- senders[i%len(senders)]
	}
	send := func(ctx context.Context, p load.Post) load.Answer {
		sender := <-free
		defer func() { free <- sender }()
		a := sender.Post(ctx, p)
		if a.Outcome != load.Stored {
			stop(fmt.Errorf("%s: %w", w.key, a.Err))
		}
		return a
	}
	runner := load.NewRunner(w.Posts, load.Plan{Connections: w.connections, Posts: w.Count}, send, false)
	runner.Run(ctx)
	d := Done{Latency: runner.Tally.Latency.Counts()}
	for _, sender := range senders {
		d.Refused += sender.Traffic.Answers()[http.StatusServiceUnavailable]
		sender.Close()
	}
	return d, context.Cause(ctx)
}

// senders returns a sender for each process of a server.
func (w Workload) senders(s *server.Server) ([]*load.Sender, error) {
	var all []*load.Sender
	for _, url := range s.URLs() {
		sender, err := load.NewSender(load.Access{
			Targets: []string{url}, Connections: w.connections, Timeout: postWithin, Key: w.key,
			BodySize: len(w.Posts.Append(nil, 0)), TLS: server.ClientTLS(), HTTP1: true,
			Header: w.Header,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, sender)
	}
	return all, nil
}

// Read reads an hour to its end and returns the elapsed time.
func Read(ctx context.Context, s *server.Server, hour flow.Hour) (time.Duration, error) {
	sender, err := load.NewSender(load.Access{Targets: s.URLs()[:1], Connections: 1, Timeout: postWithin,
		TLS: server.ClientTLS()})
	if err != nil {
		return 0, err
	}
	defer sender.Close()
	begun := time.Now()
	_, err = sender.Get(ctx, hour)
	return time.Since(begun), err
}

// Connect makes connections, each with one small request, one after the other.
func Connect(ctx context.Context, s *server.Server, count int) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: server.ClientTLS()}}
	for range count {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URLs()[0]+"/livez", nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		res.Body.Close()
	}
	return nil
}

// shape returns the shape of posts with records of one hour: 1,000 applications and 20 VPCs, with names of a common
// length. It has at most 20 million flows.
func shape(hour flow.Hour, records, flows int) load.Shape {
	return load.Shape{
		Records: records, Flows: flows, App: "service", Apps: 1000, VPC: "vpc-5eed00", VPCs: 20, Newest: hour, Hours: 1,
		Seed: 1,
	}
}

// Drawn returns posts whose flows are drawn by Zipf's law, because few flows are frequent. 1,000 records of 10,000
// flows are of about 400 different flows.
func Drawn(hour flow.Hour, records, flows int) load.Posts {
	s := shape(hour, records, flows)
	s.Zipf = 1.1
	return load.NewGenerator(s)
}

// Scattered is a stride for posts whose flows lie far apart. It is a prime, so posts in a row carry each flow in turn.
const Scattered = 7919

// InOrder returns posts with flow after flow of each hour, in steps of stride. The posts are of the given number of
// hours in turn, beginning with first.
func InOrder(first flow.Hour, hours, records, flows, stride int) load.Posts {
	s := shape(first+flow.Hour(hours-1), records, flows)
	s.Hours, s.Stride = hours, stride
	return load.NewGenerator(s)
}

// Fill returns a workload that posts each of a number of flows of an hour the given number of times.
func Fill(key string, hour flow.Hour, flows, times int) Workload {
	return New(key, Few, int64(times*flows/BodyRecords), InOrder(hour, 1, BodyRecords, flows, 1))
}

// NewFlow returns a workload that posts one record of one flow.
func NewFlow(hour flow.Hour, number int) Workload {
	posts := InOrder(hour, 1, 1, number+1, 1)
	return New(fmt.Sprint("new-", number), 1, 1, later{posts, int64(number)})
}

// Part returns posts of an hour that begin behind the first ones of InOrder, so that hours have different flows.
func Part(hour flow.Hour, flows, first int) load.Posts {
	return later{InOrder(hour, 1, BodyRecords, flows, Scattered), int64(first)}
}

// later skips the first posts.
type later struct {
	load.Posts
	first int64
}

// Append implements load.Posts.
func (l later) Append(dst []byte, n int64) []byte { return l.Posts.Append(dst, l.first+n) }

// CPU returns the CPU time of each process of a server while do runs.
func CPU(s *server.Server, do func() error) ([]time.Duration, error) {
	before, err := s.CPU()
	if err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	after, err := s.CPU()
	if err != nil {
		return nil, err
	}
	return Spent(before, after), nil
}

// Spent returns the CPU time of each process between two readings.
func Spent(before, after []time.Duration) []time.Duration {
	used := make([]time.Duration, len(after))
	for i, end := range after {
		used[i] = end - before[i]
	}
	return used
}
