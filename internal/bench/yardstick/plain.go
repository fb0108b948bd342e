package yardstick

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"flowring/flow"
)

type plainKey struct{ src, dest, vpc string }

type plainTotals struct{ tx, rx int64 }

// plain is the plain Go service. It must not be improved, because an improvement would change every ratio of the
// benchmark.
type plain struct {
	mu    sync.Mutex
	hours map[flow.Hour]map[plainKey]plainTotals
}

// Plain returns the plain Go service without records.
func Plain() http.Handler {
	p := &plain{hours: make(map[flow.Hour]map[plainKey]plainTotals)}
	m := http.NewServeMux()
	m.HandleFunc("POST /flows", p.post)
	m.HandleFunc("GET /flows", p.get)
	return m
}

func (p *plain) post(w http.ResponseWriter, r *http.Request) {
	var records []flow.Record
	if err := json.NewDecoder(r.Body).Decode(&records); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for i, rec := range records {
		if rec.SrcApp == "" || rec.DestApp == "" || rec.VPCID == "" || rec.BytesTx < 0 || rec.BytesRx < 0 {
			http.Error(w, fmt.Sprintf("record %d is not valid", i), http.StatusBadRequest)
			return
		}
	}
	p.add(records)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]int{"records": len(records)})
}

func (p *plain) add(records []flow.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, rec := range records {
		flows := p.hours[rec.Hour]
		if flows == nil {
			flows = make(map[plainKey]plainTotals)
			p.hours[rec.Hour] = flows
		}
		key := plainKey{rec.SrcApp, rec.DestApp, rec.VPCID}
		t := flows[key]
		t.tx += rec.BytesTx
		t.rx += rec.BytesRx
		flows[key] = t
	}
}

func (p *plain) get(w http.ResponseWriter, r *http.Request) {
	hour, err := strconv.ParseInt(r.URL.Query().Get("hour"), 10, 64)
	if err != nil {
		http.Error(w, "hour must be an integer", http.StatusBadRequest)
		return
	}
	records := p.read(flow.Hour(hour))
	slices.SortFunc(records, func(a, b flow.Record) int {
		return cmp.Or(cmp.Compare(a.SrcApp, b.SrcApp), cmp.Compare(a.DestApp, b.DestApp), cmp.Compare(a.VPCID, b.VPCID))
	})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Flowring-Complete", "true") // the client refuses an answer without it
	json.NewEncoder(w).Encode(records)
}

func (p *plain) read(hour flow.Hour) []flow.Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	records := make([]flow.Record, 0, len(p.hours[hour])) // never nil, because nil would be null in JSON
	for key, t := range p.hours[hour] {
		records = append(records, flow.Record{
			Key:    flow.Key{SrcApp: key.src, DestApp: key.dest, VPCID: key.vpc},
			Totals: flow.Totals{BytesTx: t.tx, BytesRx: t.rx},
			Hour:   hour,
		})
	}
	return records
}
