package clustertest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/internal/clustertest/checker"
)

// load is the clients of a history: writers, with and without keys, and readers. Each client chooses nodes at random.
type load struct {
	c      *Cluster
	check  *checker.Checker
	hours  int       // the clients write and read this number of hours
	first  flow.Hour // the first of them
	stride int       // hours between two of them; 0: 1

	mu   sync.Mutex
	kept map[int]answer     // last answer of each hour
	done []*checker.Request // acknowledged requests with a key
}

// hour returns one of the hours of the clients.
func (l *load) hour(i int) flow.Hour { return l.first + flow.Hour(i*cmp.Or(l.stride, 1)) }

// answer is an answer to a GET in the cache of a client.
type answer struct {
	tag     string
	records []flow.Record
}

// last returns the last answer of an hour.
func (l *load) last(hour int) answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[hour]
}

func (l *load) keep(hour int, a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		l.kept = map[int]answer{}
	}
	l.kept[hour] = a
}

const requestTimeout = 6 * time.Second // a node answers within 4 s

// write writes batches until ctx ends, with pauses. It retries a batch with a key on random nodes, up to ten times.
func (l *load) write(ctx context.Context, addr string, rng *rand.Rand) {
	client := l.c.Client(addr)
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		b := l.check.Send([]flow.Hour{l.hour(rng.IntN(l.hours))}, 1+rng.Int64N(1<<40), rng.IntN(4) != 0)
		if l.c.opts.Repeat {
			l.widen(b, rng)
			l.repeat(ctx, client, rng)
		}
		tries := 1
		if b.Keyed {
			tries = 3 + rng.IntN(8)
		}
		for range tries {
			if l.post(ctx, client, b, rng) {
				break
			}
			pause(ctx, time.Duration(100+rng.IntN(900))*time.Millisecond)
		}
		pause(ctx, time.Duration(rng.IntN(400))*time.Millisecond)
	}
}

// post sends a batch to a random node and reports whether the outcome is known.
func (l *load) post(ctx context.Context, client *http.Client, b *checker.Request, rng *rand.Rand) (settled bool) {
	node := l.anyNode(rng)
	return node != "" && l.postTo(ctx, client, node, b)
}

// postTo sends a request to a node and reports whether the outcome is known.
func (l *load) postTo(ctx context.Context, client *http.Client, node string, b *checker.Request) (settled bool) {
	body, err := json.Marshal(b.Records())
	if err != nil {
		l.check.Fault("batch %s: %v", b.Name(), err)
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	url := "http://" + at(l.c.Addr(node), HTTPPort) + "/flows"
	req, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(body))
	if err != nil {
		l.check.Fault("request: %v", err)
		return true
	}
	if b.Keyed {
		req.Header.Set("Idempotency-Key", "key-"+b.Name())
	}
	late := l.late(b)
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	switch {
	case res.StatusCode == http.StatusOK:
		if late && l.late(b) {
			l.check.Fault("%s acknowledges %s, and its hour %d was closed before by enough stores (P1)", node, b.Name(),
				b.Batches[0].Hour)
		}
		l.check.Acknowledge(b.Batches...)
		l.acknowledged(b)
		return true
	case saysClosed(res.StatusCode, text):
		l.refused(node, b)
		return true
	case res.StatusCode < 500:
		l.check.Fault("batch %s at %s: answered %s: %s", b.Name(), node, res.Status, text)
		l.check.Refuse(b.Batches...)
		return true
	}
	return false
}

// read reads hours at nodes until ctx ends, with pauses.
func (l *load) read(ctx context.Context, addr string, rng *rand.Rand) {
	client := l.c.Client(addr)
	defer client.CloseIdleConnections()
	queries := []string{"", "", "&require=complete", "&partial=true"}
	for ctx.Err() == nil {
		if node := l.anyNode(rng); node != "" {
			l.get(ctx, client, node, rng.IntN(l.hours), queries[rng.IntN(len(queries))])
		}
		pause(ctx, time.Duration(rng.IntN(600))*time.Millisecond)
	}
}

// get reads an hour at a node, judges the answer, and returns it with its completeness; "" without an answer, and gone
// if the hour has expired. If the node answers 304, get judges the last answer again, which may be from another node.
func (l *load) get(
	ctx context.Context, client *http.Client, node string, hour int, query string,
) (records []flow.Record, complete string) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	owed := l.check.Owed(l.hour(hour))
	url := fmt.Sprintf("http://%s/flows?hour=%d%s", at(l.c.Addr(node), HTTPPort), l.hour(hour), query)
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		l.check.Fault("request: %v", err)
		return nil, ""
	}
	last := l.last(hour)
	if last.tag != "" {
		req.Header.Set("If-None-Match", last.tag)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	switch {
	case err == nil && res.Header.Get("Flowring-Erased") != "":
		l.erased(node, l.hour(hour), res.StatusCode, string(text))
		return nil, erased
	case err == nil && res.StatusCode == http.StatusNotModified && last.tag != "":
		records = last.records
	case err == nil && res.StatusCode == http.StatusGone:
		l.gone(node, l.hour(hour))
		l.check.Count("")
		return nil, gone
	case err != nil || res.StatusCode != http.StatusOK:
		l.check.Count("")
		return nil, ""
	default:
		if err := json.Unmarshal(text, &records); err != nil {
			l.check.Fault("hour %d at %s: %v in %.80s", l.hour(hour), node, err, text)
			return nil, ""
		}
		l.keep(hour, answer{res.Header.Get("ETag"), records})
	}
	complete = res.Header.Get("Flowring-Complete")
	l.check.Answer(node, l.hour(hour), owed, records, complete)
	return records, complete
}

// anyNode returns the name of a random running node; "" if there is none.
func (l *load) anyNode(rng *rand.Rand) string {
	running := l.c.Running()
	if len(running) == 0 {
		return ""
	}
	return running[rng.IntN(len(running))]
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
