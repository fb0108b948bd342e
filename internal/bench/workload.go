package bench

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// Apps and VPCs are the names in a workload.
const (
	Apps = 1000
	VPCs = 20

	// MaxFlows is how many flows their names make.
	MaxFlows = Apps * Apps * VPCs
)

// Hour is the hour that a workload's records are of unless it says another, as agents report the current one.
const Hour = 493_000

// Workload makes bodies of records. The flows of a record are drawn by Zipf's law, as a few talk most; the same seed makes the
// same bodies. It serves one goroutine.
type Workload struct {
	Hour int64 // of the records that are made from now on

	rng  *rand.Rand
	zipf *rand.Zipf
}

// Of the drawing: of 1,000 records over 10,000 flows, about 400 are of different flows.
const zipfExponent = 1.1

// NewWorkload returns a workload over 1 to MaxFlows flows.
func NewWorkload(seed uint64, flows int) *Workload {
	rng := rand.New(rand.NewPCG(seed, 0))
	return &Workload{Hour: Hour, rng: rng, zipf: rand.NewZipf(rng, zipfExponent, 1, uint64(flows-1))}
}

// Body returns a body of n records, whose flows are drawn.
func (w *Workload) Body(n int) []byte {
	var body []byte
	for i := range n {
		body = w.append(body, i, int(w.zipf.Uint64()))
	}
	return append(body, ']')
}

// EachOf returns a body of n records, of the flows from first on, one each.
func (w *Workload) EachOf(first, n int) []byte {
	var body []byte
	for i := range n {
		body = w.append(body, i, first+i)
	}
	return append(body, ']')
}

// Spread returns a body of n records, of different ones of flows that are numbered from 0 to flows-1. They lie far apart; bodies whose
// first differs by n follow each other through all flows. flows must be at least n, and no multiple of the stride.
func (w *Workload) Spread(first, n, flows int) []byte {
	const stride = 7919 // a prime: each flow has its turn
	var body []byte
	for i := range n {
		body = w.append(body, i, (first+i)*stride%flows)
	}
	return append(body, ']')
}

// append appends record i of a body, of a flow. Different flows have different pairs of applications, or else different VPCs.
func (w *Workload) append(body []byte, i, flow int) []byte {
	separator := byte(',')
	if i == 0 {
		separator = '['
	}
	src := flow % Apps
	dest := (flow/Apps + 7*src) % Apps
	body = append(body, separator)
	body = fmt.Appendf(body, `{"src_app":"service-%03d","dest_app":"service-%03d","vpc_id":"vpc-%08x","bytes_tx":`,
		src, dest, 0x5eed0000+(flow+flow/(Apps*Apps))%VPCs)
	body = strconv.AppendInt(body, w.rng.Int64N(1<<24), 10)
	body = strconv.AppendInt(append(body, `,"bytes_rx":`...), w.rng.Int64N(1<<24), 10)
	return fmt.Appendf(body, `,"hour":%d}`, w.Hour)
}
