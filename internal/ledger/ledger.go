package ledger

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"flowring/flow"
)

// Ledger holds the batches of a test.
type Ledger struct {
	mu    sync.Mutex
	hours map[flow.Hour]*page
	sent  int
	acked int
}

// page is one hour of a ledger.
type page struct {
	batches map[string]*Batch
	owed    []*Batch // in the order in which they became owed
}

// Batch is one batch of an hour.
type Batch struct {
	Hour   flow.Hour
	Name   string // unique in the hour
	Weight int64  // bytes sent; twice as many bytes are received

	acked, refused, owed bool // guarded by the mutex of the ledger
}

// New returns an empty ledger.
func New() *Ledger { return &Ledger{hours: map[flow.Hour]*page{}} }

// Enter enters a batch, which must happen before the batch is sent. An hour has one batch of each name.
func (l *Ledger) Enter(hour flow.Hour, name string, weight int64) *Batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.hours[hour]
	if p == nil {
		p = &page{batches: map[string]*Batch{}}
		l.hours[hour] = p
	}
	b := &Batch{Hour: hour, Name: name, Weight: weight}
	p.batches[name] = b
	l.sent++
	return b
}

// Records returns the records of the batch.
func (b *Batch) Records() []flow.Record {
	return []flow.Record{b.own(), shared(b.Hour, b.Weight)}
}

// own returns the record of the batch's own flow.
func (b *Batch) own() flow.Record {
	return record(b.Hour, flow.Key{SrcApp: b.Name, DestApp: "own", VPCID: "vpc-0"}, b.Weight)
}

// shared returns a record of the shared flow of an hour.
func shared(hour flow.Hour, weight int64) flow.Record {
	return record(hour, flow.Key{SrcApp: "shared", DestApp: "all", VPCID: "vpc-0"}, weight)
}

func record(hour flow.Hour, key flow.Key, weight int64) flow.Record {
	return flow.Record{Key: key, Totals: flow.Totals{BytesTx: weight, BytesRx: 2 * weight}, Hour: hour}
}

// Acknowledge notes the acknowledgement of batches.
func (l *Ledger) Acknowledge(batches ...*Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range batches {
		if !b.acked {
			b.acked = true
			l.acked++
		}
		l.owe(b)
	}
}

// Refuse notes the final refusal of batches.
func (l *Ledger) Refuse(batches ...*Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range batches {
		b.refused = true
	}
}

// owe makes a batch owed. l.mu is held.
func (l *Ledger) owe(b *Batch) {
	if !b.owed {
		b.owed = true
		l.hours[b.Hour].owed = append(l.hours[b.Hour].owed, b)
	}
}

// Owed returns the batches that a complete read has to show if it begins now.
func (l *Ledger) Owed(hour flow.Hour) []*Batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.hours[hour]; p != nil {
		return slices.Clip(p.owed)
	}
	return nil
}

// Hours returns the hours of all batches in order.
func (l *Ledger) Hours() []flow.Hour {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.hours))
}

// Sent returns the number of entered batches.
func (l *Ledger) Sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

// Acknowledged returns the number of acknowledged batches.
func (l *Ledger) Acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked
}

// Judge returns the faults of an answer. owed is the result of Owed from before the read. A complete answer has to show
// all of these batches, and the batches in it are owed from now on.
func (l *Ledger) Judge(hour flow.Hour, owed []*Batch, answer []flow.Record, complete bool) (faults []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	shown, faults := l.match(hour, answer)
	if !complete {
		return faults
	}
	for b := range shown {
		l.owe(b)
	}
	return append(faults, lacking("a complete", hour, owed, shown)...)
}

// JudgeUnproven returns the faults of an unproven answer that has to show all batches of owed: the answer of enough
// replicas, where no other store can have a batch. Nothing is owed because of it.
func (l *Ledger) JudgeUnproven(hour flow.Hour, owed []*Batch, answer []flow.Record) (faults []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	shown, faults := l.match(hour, answer)
	return append(faults, lacking("an unproven", hour, owed, shown)...)
}

// lacking returns a fault for each batch that is owed and not shown.
func lacking(kind string, hour flow.Hour, owed []*Batch, shown map[*Batch]bool) (faults []string) {
	for _, b := range owed {
		if !shown[b] {
			const lost = "%s read of hour %d lacks batch %s, acknowledged %t (P4)"
			faults = append(faults, fmt.Sprintf(lost, kind, hour, b.Name, b.acked))
		}
	}
	return faults
}

// match returns the batches in an answer, and its faults. l.mu is held.
func (l *Ledger) match(hour flow.Hour, answer []flow.Record) (shown map[*Batch]bool, faults []string) {
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Sprintf("hour %d ", hour)+fmt.Sprintf(format, args...))
	}
	batches := map[string]*Batch{}
	if p := l.hours[hour]; p != nil {
		batches = p.batches
	}
	shown = map[*Batch]bool{}
	var sum, total int64
	for _, r := range answer {
		if total == 0 && r == shared(hour, r.BytesTx) {
			total = r.BytesTx
			continue
		}
		b := batches[r.SrcApp]
		switch {
		case b == nil || r.Hour != hour || r.Key != b.own().Key || shown[b]:
			fault("shows %+v, which was never sent", r)
			continue
		case b.refused:
			fault("shows batch %s, which was refused (P3)", b.Name)
		case r != b.own():
			fault("counts batch %s as %+v, and %+v was sent once (P2)", b.Name, r.Totals, b.own().Totals)
		}
		shown[b] = true
		sum += r.BytesTx
	}
	if sum != total {
		fault("has %d bytes in the shared flow, and %d in its batches (P11)", total, sum)
	}
	return shown, faults
}
