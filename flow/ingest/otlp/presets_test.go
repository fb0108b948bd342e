package otlp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/slim/otlp/metrics/v1"

	"flowring/flow/ingest"
	"flowring/flow/ingest/preset"
)

// The samples of this file are written from the documents of OBI and Beyla, and the sums by hand. The agents of a cluster
// run at the nodes 192.0.2.1 and 192.0.2.2. AGENT stands for obi.ip or beyla.ip.
const (
	atNode1 = "AGENT=192.0.2.1 "
	atNode2 = "AGENT=192.0.2.2 "

	cart = "k8s.src.namespace=shop k8s.src.owner.name=cart k8s.src.owner.type=Deployment k8s.src.node.ip=192.0.2.1 src.address=10.0.1.5 "
	db   = "k8s.dst.namespace=shop k8s.dst.owner.name=db k8s.dst.owner.type=StatefulSet k8s.dst.node.ip=192.0.2.2 dst.address=10.0.2.6 "

	cartService = "k8s.src.namespace=shop k8s.src.owner.name=cart k8s.src.owner.type=Service src.address=10.96.0.8 "
	dbService   = "k8s.dst.namespace=shop k8s.dst.owner.name=db k8s.dst.owner.type=Service dst.address=10.96.0.9 "

	nodeSrc  = "k8s.src.owner.name=node-1 k8s.src.owner.type=Node src.address=192.0.2.1 "
	nodeDest = "k8s.dst.owner.name=node-2 k8s.dst.owner.type=Node dst.address=192.0.2.2 "

	outsideSrc  = "src.address=198.51.100.9 "
	outsideDest = "dst.address=203.0.113.7 "
)

// bodySink maps rows into the body of one preset.
type bodySink struct{ to *ingest.Body }

func (s bodySink) Row(p *preset.Preset, values []string) error {
	p.Add(values, s.to)
	return nil
}

func (s bodySink) SetAside(_ *preset.Preset, why ingest.Reason, bytes uint64) {
	s.to.SetAside(why, bytes)
}

// observed is a data point with attributes such as "key=value other=", of which a later one replaces an earlier one of its
// name. Its interval has 60 seconds, and ends some seconds after the start of hour 472222.
func observed(bytes int64, until uint64, attributes string) *metrics.NumberDataPoint {
	const hour = 472222 * 3600
	p := number(bytes)
	p.StartTimeUnixNano, p.TimeUnixNano = (hour+until-60)*1e9, (hour+until)*1e9
	values := map[string]string{}
	for _, pair := range strings.Fields(attributes) {
		key, value, _ := strings.Cut(pair, "=")
		values[key] = value
	}
	for key, value := range values {
		p.Attributes = append(p.Attributes, text(key, value))
	}
	return p
}

// sample is a point of an agent, whose address is that of the attribute AGENT, and its outcome.
type sample struct {
	name       string
	attributes string
	want       string // "src dest" of the flow, or a reason
}

// outcomeOf maps a request by a preset, and holds it to the invariants of every preset: the sum stored is the sum kept,
// and kept and set aside are the records received. flows are "src dest vpc hour tx rx", aside are "reason records bytes".
func outcomeOf(t *testing.T, name string, form Form, body []byte) (flows, aside []string) {
	t.Helper()
	p := preset.NewSet().Get(name)
	to := p.Engine(nil, ingest.Private()).NewBody(0)
	if err := Read(body, form, []*preset.Preset{p}, wide, bodySink{to}); err != nil {
		t.Fatal(err)
	}
	posting, _ := to.Posting()
	var stored uint64
	for _, b := range posting.Batches {
		for i := range b.Len() {
			key, sum := b.FlowKey(i), b.Totals(i)
			flows = append(flows, fmt.Sprintf("%s %s %s %d %d %d", key.SrcApp, key.DestApp, key.VPCID, b.Slice.Hour, sum.BytesTx, sum.BytesRx))
			stored += uint64(sum.BytesTx) + uint64(sum.BytesRx)
		}
	}
	all := to.Counts.Kept
	for why := range ingest.Reasons() {
		if s := to.Counts.Aside[why]; s.Records > 0 {
			aside = append(aside, fmt.Sprintf("%s %d %d", why, s.Records, s.Bytes))
			all = all.Plus(s)
		}
	}
	if stored != to.Counts.Kept.Bytes || all != to.Counts.Received {
		t.Errorf("stored %d bytes, kept %+v, set aside %q, received %+v", stored, to.Counts.Kept, aside, to.Counts.Received)
	}
	slices.Sort(flows)
	return flows, aside
}

// agents are the presets of this file, with the name of the metric and the attribute that AGENT stands for.
var agents = map[string][2]string{
	"obi":   {"obi.network.flow.bytes", "obi.ip"},
	"beyla": {"beyla.network.flow.bytes", "beyla.ip"},
}

// eachAgent runs a test for each preset and each form of a body.
func eachAgent(t *testing.T, points func() []*metrics.NumberDataPoint, check func(t *testing.T, flows, aside []string)) {
	t.Helper()
	for name, agent := range agents {
		all := points()
		for _, p := range all {
			for _, a := range p.Attributes {
				if a.Key == "AGENT" {
					a.Key = agent[1]
				}
			}
		}
		in := request([]*common.KeyValue{text("k8s.cluster.name", "prod")}, sum(agent[0], all...))
		for form, body := range forms(t, in) {
			t.Run(fmt.Sprintf("%s, form %d", name, form), func(t *testing.T) {
				flows, aside := outcomeOf(t, name, form, body)
				check(t, flows, aside)
			})
		}
	}
}

// Each rule has a point of its own: which of the reports of a flow counts.
func TestOneAgentOfAFlowCounts(t *testing.T) {
	for _, s := range []sample{
		{"the agent of the sender", atNode1 + cart + db, "shop/cart shop/db"},
		{"the agent of the receiver", atNode2 + cart + db, "other-reporter"},
		{"an agent between them", "AGENT=192.0.2.3 " + cart + db, "other-reporter"},
		{"to a Service, at the sender", atNode1 + cart + dbService, "repeated"},
		{"from a Service, at the receiver", atNode1 + cartService + db, "repeated"},
		{"one of several interfaces", atNode1 + cart + db + "iface=eth0", "repeated"},
		{"an unknown interface", atNode1 + cart + db + "iface=", "shop/cart shop/db"},
		{"a node sends, at its agent", atNode1 + nodeSrc + db, "node-1 shop/db"},
		{"a node sends, at the agent of the receiver", atNode2 + nodeSrc + db, "other-reporter"},
		{"the sender is outside, at the agent of the receiver", atNode2 + outsideSrc + db, "198.51.100.9 shop/db"},
		{"the sender is outside, at another agent", atNode1 + outsideSrc + db, "unknown-reporter"},
		{"the sender is outside, and a node receives, at its agent", atNode2 + outsideSrc + nodeDest, "198.51.100.9 node-2"},
		{"the sender is outside, and a node receives, at another agent", atNode1 + outsideSrc + nodeDest, "unknown-reporter"},
		{"the sender has a private address without an agent", atNode2 + "src.address=10.9.9.9 " + db, "10.9.9.9 shop/db"},
		{"the same, and a node receives", atNode2 + "src.address=10.9.9.9 " + nodeDest, "10.9.9.9 node-2"},
		{"the receiver is outside", atNode1 + cart + outsideDest, "shop/cart 203.0.113.7"},
		{"both ends are outside", atNode1 + outsideSrc + outsideDest, "unknown-reporter"},
		{"the agent has no address", "AGENT= " + cart + db, "other-reporter"},
		{"no end and no agent", "direction=request", "unknown-reporter"},
		{"without Kubernetes, at the sender", "AGENT=10.0.0.1 src.address=10.0.0.1 dst.address=10.0.0.2", "10.0.0.1 10.0.0.2"},
		{"without Kubernetes, at the receiver", "AGENT=10.0.0.2 src.address=10.0.0.1 dst.address=10.0.0.2", "other-reporter"},
		{"without Kubernetes, from outside", "AGENT=10.0.0.2 " + outsideSrc + "dst.address=10.0.0.2", "198.51.100.9 10.0.0.2"},
	} {
		want := []string{s.want + " prod 472222 100 0"}
		if _, reason := ingest.ParseReason(s.want); reason {
			want = []string{s.want + " 1 100"}
		}
		t.Run(s.name, func(t *testing.T) {
			points := func() []*metrics.NumberDataPoint { return []*metrics.NumberDataPoint{observed(100, 60, s.attributes)} }
			eachAgent(t, points, func(t *testing.T, flows, aside []string) {
				if got := append(flows, aside...); !slices.Equal(got, want) {
					t.Errorf("outcome = %q, want %q", got, want)
				}
			})
		})
	}
}

// A request and its answer through a Service are in six points: each leg at both of its agents, as far as they see it.
// The sums of the two true legs are 1,000 and 70,000 bytes.
func TestAConversationThroughAServiceIsItsTwoLegs(t *testing.T) {
	back := strings.NewReplacer("k8s.src.", "k8s.dst.", "k8s.dst.", "k8s.src.", "src.address", "dst.address", "dst.address", "src.address")
	points := func() []*metrics.NumberDataPoint {
		return []*metrics.NumberDataPoint{
			observed(1000, 3600, atNode1+cart+dbService+"direction=request"),
			observed(1000, 3600, atNode1+cart+db+"direction=request"),
			observed(1044, 3600, atNode2+cart+db+"direction=request"), // other packets, so other headers
			observed(70000, 3630, atNode1+back.Replace(cart+dbService)+"direction=response"),
			observed(70500, 3630, atNode1+back.Replace(cart+db)+"direction=response"),
			observed(70000, 3630, atNode2+back.Replace(cart+db)+"direction=response"),
		}
	}
	eachAgent(t, points, func(t *testing.T, flows, aside []string) {
		wantFlows := []string{
			"shop/cart shop/db prod 472222 1000 0", "shop/db shop/cart prod 472222 35000 0", "shop/db shop/cart prod 472223 35000 0",
		}
		if wantAside := []string{"other-reporter 2 71544", "repeated 2 71000"}; !slices.Equal(flows, wantFlows) || !slices.Equal(aside, wantAside) {
			t.Errorf("flows = %q, aside = %q, want %q and %q", flows, aside, wantFlows, wantAside)
		}
	})
}

// A name is that of the owner with its namespace, or of the owner, or the name that the agent found, or the address.
func TestNamesOfAgents(t *testing.T) {
	src := "AGENT=192.0.2.1 k8s.src.node.ip=192.0.2.1 "
	for _, s := range []sample{
		{"an owner without a namespace", src + db + "k8s.src.owner.name=cart", "cart shop/db"},
		{"an owner before other names", src + db + "k8s.src.owner.name=cart src.name=host src.address=10.0.1.5", "cart shop/db"},
		{"a name of the agent", src + db + "src.name=host src.address=10.0.1.5", "host shop/db"},
		{"an address", src + db + "src.name= k8s.src.owner.name= src.address=10.0.1.5", "10.0.1.5 shop/db"},
		{"a namespace alone is no name", src + db + "k8s.src.namespace=shop src.address=10.0.1.5", "10.0.1.5 shop/db"},
		{"nothing", src + db, "no-name"},
	} {
		t.Run(s.name, func(t *testing.T) {
			points := func() []*metrics.NumberDataPoint { return []*metrics.NumberDataPoint{observed(5, 60, s.attributes)} }
			eachAgent(t, points, func(t *testing.T, flows, aside []string) {
				if got := append(flows, aside...); len(got) != 1 || !strings.HasPrefix(got[0], s.want+" ") {
					t.Errorf("outcome = %q, want %q", got, s.want)
				}
			})
		})
	}
}
