package proctest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// ledger is everything that was sent, by hour. Every batch in it has a name, under which it writes a flow of its own, and a
// weight, which it adds to that flow and to one that all batches of the hour share.
type ledger struct {
	mu    sync.Mutex
	first int64 // hour of the first batches; the present moves on as batches are sent
	sent  int
	hours map[int64]*page
}

// page is one hour of the ledger.
type page struct {
	weights map[string]int64
	acked   map[string]bool
	known   map[string]bool
	proven  []string // the names in known, only ever added to: acknowledged, or shown by a complete read
}

const (
	present = 4    // hours that are written to at a time
	turn    = 1500 // batches after which the oldest of them is left alone
	shared  = "shared"
)

// record is a flow as it is posted and as it is read.
type record struct {
	SrcApp  string `json:"src_app"`
	DestApp string `json:"dest_app"`
	VPCID   string `json:"vpc_id"`
	BytesTx int64  `json:"bytes_tx"`
	BytesRx int64  `json:"bytes_rx"`
	Hour    int64  `json:"hour"`
}

func newLedger() *ledger { return &ledger{first: 480_000, hours: map[int64]*page{}} }

// batch is one entry of the ledger.
type batch struct {
	hour   int64
	name   string
	weight int64
}

// records returns what the batch says.
func (b batch) records() []record {
	return []record{
		{b.name, "own", "vpc-0", b.weight, 2 * b.weight, b.hour},
		{shared, "all", "vpc-0", b.weight, 2 * b.weight, b.hour},
	}
}

// next enters a batch of a random present hour. It must be entered before it is sent.
func (l *ledger) next(name string) batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := batch{l.recent(), name, 1 + rand.Int64N(1<<30)}
	l.sent++
	p := l.hours[b.hour]
	if p == nil {
		p = &page{map[string]int64{}, map[string]bool{}, map[string]bool{}, nil}
		l.hours[b.hour] = p
	}
	p.weights[b.name] = b.weight
	return b
}

// recent draws an hour of the present. mu is held.
func (l *ledger) recent() int64 { return l.first + int64(l.sent/turn) + rand.Int64N(present) }

// ack notes that batches were acknowledged.
func (l *ledger) ack(batches ...batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range batches {
		l.hours[b.hour].acked[b.name] = true
		l.hours[b.hour].prove(b.name)
	}
}

// prove notes that every complete read from now on must have the batch.
func (p *page) prove(name string) {
	if !p.known[name] {
		p.known[name] = true
		p.proven = append(p.proven, name)
	}
}

// expect returns what a complete read of the hour that begins now must have.
func (l *ledger) expect(hour int64) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.hours[hour]; p != nil {
		return p.proven
	}
	return nil
}

// all returns every hour written to.
func (l *ledger) all() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var hours []int64
	for hour := range l.hours {
		hours = append(hours, hour)
	}
	slices.Sort(hours)
	return hours
}

// unacknowledged returns how many batches were never acknowledged.
func (l *ledger) unacknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, p := range l.hours {
		n += len(p.weights) - len(p.acked)
	}
	return n
}

// judge compares a complete read with the ledger: it must have what was proven before it began, each batch once and whole, and
// nothing that was never sent. What it shows is proven from now on.
func (l *ledger) judge(hour int64, document []byte, expected []string) error {
	var flows []record
	if err := json.Unmarshal(document, &flows); err != nil {
		return fmt.Errorf("hour %d: %w", hour, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.hours[hour]
	if p == nil {
		p = &page{}
	}
	shown, err := p.match(hour, flows)
	if err != nil {
		return fmt.Errorf("hour %d: %w", hour, err)
	}
	for _, name := range expected {
		if !shown[name] {
			return fmt.Errorf("hour %d: batch %s is lost: it had been acknowledged or shown before the read began", hour, name)
		}
	}
	for name := range shown {
		p.prove(name)
	}
	return nil
}

// match returns the names of the batches that are in flows, each once and whole.
func (p *page) match(hour int64, flows []record) (shown map[string]bool, err error) {
	shown = map[string]bool{}
	var sum, total int64
	for _, f := range flows {
		weight, sent := p.weights[f.SrcApp]
		switch {
		case f == record{shared, "all", "vpc-0", f.BytesTx, 2 * f.BytesTx, hour}:
			total = f.BytesTx
			continue
		case !sent || f.DestApp != "own" || f.VPCID != "vpc-0" || f.Hour != hour || shown[f.SrcApp]:
			return nil, fmt.Errorf("flow %+v was never sent", f)
		case f.BytesTx != weight || f.BytesRx != 2*weight:
			return nil, fmt.Errorf("flow %+v: want exactly one batch of %d bytes", f, weight)
		}
		shown[f.SrcApp] = true
		sum += weight
	}
	if total != sum {
		return nil, fmt.Errorf("the shared flow has %d bytes, the batches that are shown %d", total, sum)
	}
	return shown, nil
}
