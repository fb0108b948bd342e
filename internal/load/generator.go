package load

import (
	"math"
	"math/rand/v2"
	"strconv"

	"flowring/flow"
)

// amounts is how many pairs of byte counts there are to draw from. Records of one flow must differ, or one post stored twice could
// make up for another one that was lost.
const amounts = 1024

// Shape says what posts look like.
type Shape struct {
	Records int       // in each post
	Flows   int       // distinct flows to draw from, in each hour
	Zipf    float64   // how unequal they are: the i-th is drawn in proportion to 1/i^Zipf; 0: all alike
	VPCs    int       // distinct VPCs of the flows
	VPC     string    // what their names begin with: how these flows are told from all others
	Newest  flow.Hour // the last of the hours
	Hours   int       // distinct hours; each post is of one, drawn at random
	Seed    uint64    // posts of equal shapes are equal
}

// Generator makes the posts of a Shape. It is immutable.
//
// Flow i is of VPC i mod V, V the number of VPCs, and i div V tells source and destination likewise: the pieces that records are
// put together from are few, and stay in the processor's cache, however many flows there are.
type Generator struct {
	shape  Shape
	picker *picker
	apps   int // distinct applications: those of one VPC talk to each other, each to each

	src, dest, vpc, bytes, hour []piece
	totals                      []flow.Totals // that bytes stand for
}

// piece is a part of a record as JSON.
type piece string

// NewGenerator returns the generator of a shape, all of whose numbers must be positive; the skew may be zero.
func NewGenerator(s Shape) *Generator {
	pairs := (s.Flows + s.VPCs - 1) / s.VPCs
	g := &Generator{shape: s, picker: newPicker(s.Flows, s.Zipf), apps: int(math.Ceil(math.Sqrt(float64(pairs))))}
	for i := range g.apps {
		app := strconv.Itoa(i)
		g.src = append(g.src, piece(`,{"src_app":"app-`+app+`","dest_app":"app-`))
		g.dest = append(g.dest, piece(app+`","vpc_id":"`+s.VPC+`-`))
	}
	for i := range min(s.VPCs, s.Flows) {
		g.vpc = append(g.vpc, piece(strconv.Itoa(i)+`","bytes_tx":`))
	}
	for i := range s.Hours {
		g.hour = append(g.hour, piece(`,"hour":`+(s.Newest-flow.Hour(i)).String()+`}`))
	}
	g.drawAmounts()
	return g
}

// drawAmounts makes the pairs of byte counts: from a packet to some megabytes, each magnitude as likely as the next.
func (g *Generator) drawAmounts() {
	rng := rand.New(rand.NewPCG(g.shape.Seed, amounts))
	amount := func() int64 { return int64(40 * math.Exp(rng.Float64()*12)) }
	for range amounts {
		t := flow.Totals{BytesTx: amount(), BytesRx: amount()}
		g.totals = append(g.totals, t)
		tx, rx := strconv.FormatInt(t.BytesTx, 10), strconv.FormatInt(t.BytesRx, 10)
		g.bytes = append(g.bytes, piece(tx+`,"bytes_rx":`+rx))
	}
}

// Append appends the body of the n-th post to dst, and returns the post's hour with it.
func (g *Generator) Append(dst []byte, n int64) ([]byte, flow.Hour) {
	d := g.draws(n)
	hour := g.hour[d.hour]
	start := len(dst)
	for range g.shape.Records {
		i, amount := d.next()
		src, dest, vpc := g.split(i)
		dst = append(dst, g.src[src]...)
		dst = append(dst, g.dest[dest]...)
		dst = append(dst, g.vpc[vpc]...)
		dst = append(dst, g.bytes[amount]...)
		dst = append(dst, hour...)
	}
	dst[start] = '[' // in place of the first comma
	return append(dst, ']'), g.shape.Newest - flow.Hour(d.hour)
}

// split returns what the flow with index i is made of.
func (g *Generator) split(i int) (src, dest, vpc uint32) {
	pair, vpcs, apps := uint32(i), uint32(g.shape.VPCs), uint32(g.apps)
	pair, vpc = pair/vpcs, pair%vpcs
	return pair % apps, pair / apps, vpc
}

// draws is the random choices of one post.
type draws struct {
	rng    rand.PCG
	picker *picker
	hour   int // index of the post's hour, counted back from the newest
}

func (g *Generator) draws(n int64) draws {
	d := draws{picker: g.picker}
	d.rng.Seed(g.shape.Seed, uint64(n))
	d.hour = int(d.rng.Uint64() % uint64(g.shape.Hours))
	return d
}

// next returns the flow and the amount of the next record.
func (d *draws) next() (index, amount int) {
	return d.picker.pick(d.rng.Uint64()), int(d.rng.Uint64() % amounts)
}
