package clustertest

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/internal/ledger"
)

// allHours is the place of the last answer to a query among the last answers of hours.
const allHours = -1

// query asks a node for the flows of all hours, and judges each hour of the answer like a GET. It reports whether there
// is an answer.
func (l *load) query(ctx context.Context, node string, need contract.Need) bool {
	n := l.c.Node(node)
	if n == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 2*requestTimeout)
	defer cancel()
	owed := map[flow.Hour][]*ledger.Batch{}
	for i := range l.hours {
		owed[l.hour(i)] = l.check.Owed(l.hour(i))
	}
	spec := &query.Spec{From: l.hour(0), To: l.hour(l.hours-1) + 1,
		Group: query.DefaultFields | query.FieldsOf(query.Hour)}
	last := l.last(allHours)
	ask := contract.Ask{Need: need}
	if last.tag != "" {
		ask.Known = []contract.Tag{contract.Tag(last.tag)}
	}
	rows, err := n.Query(ctx, spec, ask)
	if errors.Is(err, contract.Expired) {
		l.gone(node, spec.From)
		return true
	}
	if err != nil {
		l.check.Count("")
		return false
	}
	defer rows.Close()
	records := last.records
	if !ask.Knows(rows.Tag()) {
		records = nil
		for row, err := range rows.All() {
			if err != nil { // a store was lost: no answer
				l.check.Count("")
				return false
			}
			records = append(records, recordOf(row))
		}
		l.keep(allHours, answer{string(rows.Tag()), records})
	}
	if !need.Accepts(rows.Complete()) {
		l.check.Fault("%s answers a query with need %q by %v (P5)", node, need, rows.Complete())
	}
	from := l.answeredFrom(node, rows)
	for i := range l.hours {
		hour := l.hour(i)
		shown := slices.DeleteFunc(slices.Clone(records), func(r flow.Record) bool { return r.Hour != hour })
		if hour < from || len(shown) == 0 && rows.Erased() > 0 && l.c.bounds.Erases(hour) {
			continue
		}
		l.check.Answer(node, hour, owed[hour], shown, rows.Complete().String())
	}
	return true
}

func recordOf(row query.Row) flow.Record {
	tx, _ := row.Tx.Int64()
	rx, _ := row.Rx.Int64()
	return flow.Record{
		Key:    flow.Key{SrcApp: row.Src, DestApp: row.Dest, VPCID: row.VPC},
		Totals: flow.Totals{BytesTx: tx, BytesRx: rx}, Hour: flow.Hour(row.Time),
	}
}

// ask asks queries at nodes until ctx ends, with pauses.
func (l *load) ask(ctx context.Context, rng *rand.Rand) {
	needs := []contract.Need{contract.NeedUnproven, contract.NeedComplete, contract.NeedPartial}
	for ctx.Err() == nil {
		if node := l.anyNode(rng); node != "" {
			l.query(ctx, node, needs[rng.IntN(len(needs))])
		}
		pause(ctx, time.Duration(rng.IntN(600))*time.Millisecond)
	}
}
