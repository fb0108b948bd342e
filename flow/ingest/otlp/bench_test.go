package otlp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/slim/otlp/metrics/v1"

	"flowring/flow"
	"flowring/flow/ingest"
	"flowring/flow/ingest/preset"
	"flowring/internal/cputime"
)

// mapping is a sink that maps the rows.
type mapping struct{ to *ingest.Body }

func (m mapping) Row(p *preset.Preset, values []string) error { p.Add(values, m.to); return nil }

func (m mapping) SetAside(_ *preset.Preset, why ingest.Reason, bytes uint64) {
	m.to.SetAside(why, bytes)
}

// drawn returns n points of the preset obi, of 10,000 flows. Some flows are much more frequent than others.
func drawn(n int) (all []*metrics.NumberDataPoint) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := rand.NewZipf(rng, 1.1, 1, 9999)
	for range n {
		f := int(draw.Uint64())
		all = append(all, number(rng.Int64N(1<<20),
			text("obi.ip", "192.0.2.1"), text("k8s.src.node.ip", "192.0.2.1"), text("k8s.dst.node.ip", "192.0.2.2"),
			text("src.address", fmt.Sprintf("10.0.0.%d", f%211)), text("dst.address", fmt.Sprintf("10.0.1.%d", f*7%251)),
			text("k8s.cluster.name", fmt.Sprintf("vpc-%d", f%5)),
			text("k8s.src.namespace", "shop"), text("k8s.src.owner.name", fmt.Sprintf("checkout-service-%d", f%211)),
			text("k8s.src.owner.type", "Deployment"),
			text("k8s.dst.namespace", "shop"), text("k8s.dst.owner.name", fmt.Sprintf("backend-%d", f*7%307)),
			text("k8s.dst.owner.type", "Deployment"), text("direction", "request"),
		))
	}
	return all
}

// Points are read and mapped. The records of the same flows in JSON are read beside them.
func BenchmarkRead(b *testing.B) {
	const points = 1000
	in := drawn(points)
	bodies := forms(b, request([]*common.KeyValue{text("service.name", "obi")}, sum("obi.network.flow.bytes", in...)))
	p := preset.NewSet().Get("obi")
	presets := []*preset.Preset{p}
	for _, c := range []struct {
		name string
		form Form
	}{{"protobuf", Protobuf}, {"json", JSON}} {
		b.Run(c.name, func(b *testing.B) {
			cputime.PerUnit(b, "point", points, func() error {
				body := p.Engine(nil, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}).NewBody(0)
				err := Read(bodies[c.form], c.form, presets, wide, mapping{body})
				if posting, _ := body.Posting(); posting.Records != points {
					b.Fatalf("%d records count", posting.Records)
				}
				return err
			})
		})
	}
	b.Run("records of JSON", func(b *testing.B) {
		var text []byte
		for _, point := range in {
			value := func(i int) string { return point.Attributes[i].GetValue().GetStringValue() }
			text = flow.AppendRecord(text, flow.Record{
				Key:    flow.Key{SrcApp: "shop/" + value(7), DestApp: "shop/" + value(10), VPCID: value(5)},
				Totals: flow.Totals{BytesTx: point.GetAsInt()}, Hour: 472222,
			})
		}
		var d flow.Decoder
		cputime.PerUnit(b, "point", points, func() error { _, err := d.Decode(text); return err })
	})
}
