package collect

import (
	"sync"
	"time"

	"flowring/flow"
	"flowring/flow/ingest"
	"flowring/flow/ingest/names"
	"flowring/internal/collect/decode"
	"flowring/internal/collect/spool"
	"flowring/internal/collect/tally"
)

func drop(flow.Record) {}

// datagram is one of NetFlow or sFlow.
type datagram struct {
	decode.Datagram
	sflow bool
}

// worker turns the datagrams of some exporters into payloads of the spool.
type worker struct {
	agent   *Agent
	queue   chan datagram
	decoder *decode.Decoder
	engine  *ingest.Engine
	table   *names.Table // of engine
	tally   tally.Tally
	pending []byte // a payload that is not in the spool yet
	key     spool.Key

	mu     sync.Mutex
	counts ingest.Counts
	lost   ingest.Sum // records that had no room
	losses uint64     // datagrams that had no room
	errors uint64     // failures of the spool
	full   error      // of the last attempt to write to the spool
}

// run ends with the queue.
func (w *worker) run() {
	ticker := time.NewTicker(w.agent.cfg.Flush)
	defer ticker.Stop()
	for {
		select {
		case g, ok := <-w.queue:
			if !ok {
				w.expire(time.Now().Add(w.agent.cfg.Decode.HoldFor)) // datagrams that wait for a template
				w.flush()
				w.end()
				return
			}
			w.agent.queued.Add(-int64(len(g.Data)))
			w.take(g)
		case now := <-ticker.C:
			w.expire(now)
			w.flush()
		}
	}
}

// end reports records that the spool did not take before the end.
func (w *worker) end() {
	if w.pending != nil || w.tally.Len() > 0 {
		w.agent.log.Error("records lost, the spool took nothing before the end", "payload_bytes", len(w.pending), "flows",
			w.tally.Len())
	}
}

// take adds the records of a datagram, and those of the datagrams that waited for its templates.
func (w *worker) take(g datagram) {
	read := w.decoder.NetFlow
	if g.sflow {
		read = w.decoder.SFlow
	}
	records, err := read(g.Datagram)
	if err != nil {
		return // the decoder counts it
	}
	w.add(records)
	for {
		records, ok := w.decoder.Release()
		if !ok {
			return
		}
		w.add(records)
	}
}

// expire adds the records of datagrams whose time to wait for a template is over.
func (w *worker) expire(now time.Time) {
	for {
		records, ok := w.decoder.Expire(now)
		if !ok {
			return
		}
		w.add(records)
	}
}

// add maps the records of one datagram: all of them, or none if there is no room.
func (w *worker) add(records []decode.Record) {
	if len(records) == 0 {
		return
	}
	if w.tally.Len() >= w.agent.cfg.MaxFlows {
		w.flush()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tally.Len() >= w.agent.cfg.MaxFlows {
		w.lose(records)
		return
	}
	if table := w.agent.table(); w.engine == nil || table != w.table {
		w.engine, w.table = w.agent.cfg.engine(table), table
	}
	for i := range records {
		w.record(&records[i])
	}
}

// record maps one record. The caller holds mu.
func (w *worker) record(r *decode.Record) {
	if r.Why != ingest.Kept {
		w.counts.SetAside(r.Why, r.Bytes())
		return
	}
	if w.engine.Map(&r.Record, &w.counts, w.tally.Add) == ingest.Kept && r.NoTime {
		w.counts.Notes[ingest.NoTime]++
	}
}

// lose counts records that have no room. The caller holds mu.
func (w *worker) lose(records []decode.Record) {
	w.losses++
	var c ingest.Counts
	for i := range records {
		c.SetAside(ingest.Kept, records[i].Bytes())
	}
	w.lost = w.lost.Plus(c.Kept)
}

// flush writes the sums to the spool. If that fails the payload waits, with its key, because a part of it may be on
// disk; meanwhile the tally goes on up to its bound.
func (w *worker) flush() {
	for w.pending != nil || w.tally.Len() > 0 {
		if w.pending == nil {
			w.pending, w.key = w.tally.Payload(int(w.agent.cfg.MaxRequest)), spool.NewKey()
			w.tally.Reset()
		}
		err := w.agent.spool.Append(w.key, w.pending)
		w.report(err)
		if err != nil {
			return
		}
		w.pending = nil
	}
}

// report counts a failure of the spool, and logs its begin and its end.
func (w *worker) report(err error) {
	w.mu.Lock()
	before := w.full
	w.full = err
	if err != nil {
		w.errors++
	}
	w.mu.Unlock()
	switch {
	case err != nil && before == nil:
		w.agent.log.Error("spool takes nothing, further records will be lost", "error", err)
	case err == nil && before != nil:
		w.agent.log.Info("spool takes records again")
	}
}
