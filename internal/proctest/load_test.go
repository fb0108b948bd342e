//go:build linux

package proctest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/internal/ledger"
	"flowring/router/client"
)

const (
	writePause = 20 * time.Millisecond
	readPause  = 50 * time.Millisecond
)

// load is the clients of a cluster: writers with keys, which retry on random nodes, and readers, which ask for complete
// answers.
type load struct {
	c     *cluster
	id    int64      // unique among the loads of the cluster
	nodes []*process // targets of the clients, running or not
	book  book
	total bool // every node has a copy of every hour: the readers also take unproven answers, which show everything then
	stop  chan struct{}
	wg    sync.WaitGroup

	mu      sync.Mutex
	posts   int
	retried int // posts with more than one attempt
	reads   int // complete ones
	refused int
	slowest time.Duration

	unproven int // answers
}

// startLoad starts clients of the current nodes of the cluster.
func (c *cluster) startLoad(writers, readers int) *load {
	return c.startLoadAt(c.nodes, writers, readers)
}

// startLoadAt starts clients that know only these nodes.
func (c *cluster) startLoadAt(nodes []*process, writers, readers int) *load {
	return c.run(&load{nodes: slices.Clone(nodes)}, writers, readers)
}

// run starts the clients of a load.
func (c *cluster) run(l *load, writers, readers int) *load {
	c.loads++
	l.c, l.id, l.stop = c, c.loads, make(chan struct{})
	l.book = newBook(firstHour + 100_000*flow.Hour(c.loads)) // no load has hours of another load
	for i := range writers {
		l.wg.Go(func() { l.write(i) })
	}
	for range readers {
		l.wg.Go(l.read)
	}
	c.t.Cleanup(l.end) // before the nodes are ended
	return l
}

// end stops the clients after their current requests.
func (l *load) end() {
	l.mu.Lock()
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.mu.Unlock()
	l.wg.Wait()
}

// finish ends the load and checks all its batches on every given node.
func (l *load) finish(nodes ...*process) {
	l.c.t.Helper()
	l.end()
	l.c.t.Logf("%d posts, %d with retries, the slowest took %v; %d complete reads, %d unproven, %d refused",
		l.posts, l.retried, l.slowest.Round(time.Millisecond), l.reads, l.unproven, l.refused)
	if l.posts == 0 {
		l.c.t.Error("nothing was acknowledged")
	}
	l.check(nodes...)
}

func (l *load) stopped(after time.Duration) bool {
	select {
	case <-l.stop:
		return true
	case <-time.After(after):
		return false
	}
}

// write posts batches until the load is stopped. One post in eight has records of two hours.
func (l *load) write(writer int) {
	flowring, err := client.New(client.Config{
		Targets: urls(l.nodes), HTTP: l.c.http, AttemptTimeout: askWithin, MinBackoff: 50 * time.Millisecond, MaxBackoff: time.Second,
	})
	if err != nil {
		l.c.t.Error(err)
		return
	}
	for seq := 0; !l.stopped(writePause); seq++ {
		name := fmt.Sprintf("l%d-w%d-%d", l.id, writer, seq) // no load has keys of another load
		batches := []*ledger.Batch{l.book.enter(name)}
		if seq%8 == 7 {
			batches = append(batches, l.book.enter(name+"-more"))
		}
		l.post(flowring, name, batches)
	}
}

func urls(nodes []*process) []string {
	var all []string
	for _, p := range nodes {
		all = append(all, p.url())
	}
	return all
}

func (l *load) post(flowring *client.Client, key string, batches []*ledger.Batch) {
	var records []flow.Record
	for _, b := range batches {
		records = append(records, b.Records()...)
	}
	body, _ := json.Marshal(records)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	begun := time.Now()
	receipt, err := flowring.Post(ctx, body, client.PostOptions{Key: key})
	took := time.Since(begun)
	if err != nil {
		l.c.t.Errorf("%s, begun at %s: not through after %v: %v", key, begun.Format("15:04:05.000"), took, err)
		return
	}
	l.book.Acknowledge(batches...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posts++
	if receipt.Attempts > 1 {
		l.retried++
	}
	l.slowest = max(l.slowest, took)
}

// read makes reads of present hours at random nodes until the load is stopped.
func (l *load) read() {
	for !l.stopped(readPause) {
		hour := l.book.present()
		p, owed := l.nodes[rand.IntN(len(l.nodes))], l.book.Owed(hour)
		begun := time.Now()
		document, complete, err := l.ask(p, hour)
		if err == nil {
			if err := l.book.judgeAny(hour, owed, document, complete); err != nil {
				l.c.t.Errorf("read at %s, begun at %s, complete: %t: %v", p, begun.Format("15:04:05.000"), complete, err)
				return
			}
		}
		l.mu.Lock()
		switch {
		case err != nil:
			l.refused++
		case complete:
			l.reads++
		default:
			l.unproven++
		}
		l.mu.Unlock()
	}
}

// ask makes one read: a complete one, or with total an unproven one as well.
func (l *load) ask(p *process, hour flow.Hour) (document []byte, complete bool, err error) {
	if l.total {
		return l.c.enough(p, hour)
	}
	document, err = l.c.document(p, hour)
	return document, true, err
}
