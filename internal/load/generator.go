package load

import (
	"cmp"
	"math"
	"math/rand/v2"
	"strconv"

	"flowring/flow"
)

// amounts is the number of different pairs of byte counts. Records of one flow differ in their bytes; otherwise a post
// that is stored twice could hide the loss of another post.
const amounts = 1024

// Shape describes posts. Posts of equal shapes are equal.
type Shape struct {
	Records int       // of each post
	Flows   int       // distinct flows of each hour
	Zipf    float64   // skew: the probability of flow i is proportional to 1/(i+1)^Zipf; 0: no skew
	Stride  int       // 0: flows are drawn at random; otherwise records carry flows in order, see Generator
	App     string    // prefix of the names of applications; empty: "app"
	Apps    int       // distinct applications, at least; 0: as few as Flows and VPCs need
	VPC     string    // prefix of the names of VPCs; it tells the flows of this shape from all others
	VPCs    int       // distinct VPCs
	Newest  flow.Hour // the last of the hours
	Hours   int       // distinct hours; each post has records of one hour
	Seed    uint64    // of all random choices
}

// Generator makes the posts of a Shape. It is immutable.
//
// With Stride 0 the hour of a post and the flows of its records are drawn at random. Otherwise post n is of the hour n
// mod Hours before the newest, and the records of one hour carry the flows 0, Stride, 2*Stride and so on modulo Flows.
// Flows/Records posts of each hour then carry every flow once, provided that Stride and Flows have no common divisor
// and Records divides Flows.
//
// Let A be the number of applications and V the number of VPCs. Flow i = k*A*A + d*A + src, with d and src below A, has
// the source src, the destination (d + 7*src) mod A and the VPC (d*A + src + k) mod V. The key of each flow below A*A*V
// is therefore unique. Records are put together from a few encoded pieces, which stay in the processor's cache however
// many flows there are.
type Generator struct {
	shape  Shape
	picker *picker
	apps   uint32
	square uint32 // apps*apps

	src, dest, vpc, bytes, hour []piece
	shift                       []uint32      // 7*src mod A
	totals                      []flow.Totals // encoded in bytes
}

// piece is a part of a record as JSON.
type piece string

// NewGenerator returns the generator of a shape. All numbers of the shape must be positive, except that Zipf, Stride
// and Apps may be zero.
func NewGenerator(s Shape) *Generator {
	pairs := (s.Flows + s.VPCs - 1) / s.VPCs
	apps := max(s.Apps, int(math.Ceil(math.Sqrt(float64(pairs)))))
	s.App = cmp.Or(s.App, "app")
	g := &Generator{shape: s, picker: newPicker(s.Flows, s.Zipf), apps: uint32(apps), square: uint32(apps * apps)}
	for i := range apps {
		app := s.App + "-" + strconv.Itoa(i)
		g.src = append(g.src, piece(`,{"src_app":"`+app+`","dest_app":"`))
		g.dest = append(g.dest, piece(app+`","vpc_id":"`+s.VPC+`-`))
		g.shift = append(g.shift, uint32(7*i%apps))
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

// drawAmounts makes the pairs of byte counts: from a packet to some megabytes, all magnitudes equally likely.
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

// Records implements Posts.
func (g *Generator) Records() int { return g.shape.Records }

// Append implements Posts.
func (g *Generator) Append(dst []byte, n int64) []byte {
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
	dst[start] = '[' // replaces the first comma
	return append(dst, ']')
}

// split returns the numbers of the applications and the VPC of flow i.
func (g *Generator) split(i int) (src, dest, vpc uint32) {
	k, rest := uint32(0), uint32(i)
	if rest >= g.square {
		k, rest = rest/g.square, rest%g.square
	}
	d, src := rest/g.apps, rest%g.apps
	if dest = d + g.shift[src]; dest >= g.apps {
		dest -= g.apps
	}
	return src, dest, (rest + k) % uint32(g.shape.VPCs)
}

// draws is the choices of one post: its hour, then the flow and the amount of one record after the other.
type draws struct {
	rng    rand.PCG
	picker *picker
	hour   int // the hour is Newest - hour

	stride, flows int
	flow          int // of the next record, unless stride is 0
}

func (g *Generator) draws(n int64) draws {
	s := &g.shape
	d := draws{picker: g.picker, stride: s.Stride, flows: s.Flows}
	d.rng.Seed(s.Seed, uint64(n))
	if s.Stride == 0 {
		d.hour = int(d.rng.Uint64() % uint64(s.Hours))
		return d
	}
	d.hour = int(n % int64(s.Hours))
	record := n / int64(s.Hours) * int64(s.Records) % int64(s.Flows)
	d.flow = int(record * int64(s.Stride) % int64(s.Flows))
	return d
}

// next returns the flow and the amount of the next record.
func (d *draws) next() (index, amount int) {
	if d.stride == 0 {
		return d.picker.pick(d.rng.Uint64()), int(d.rng.Uint64() % amounts)
	}
	index = d.flow
	d.flow = (d.flow + d.stride) % d.flows
	return index, int(d.rng.Uint64() % amounts)
}
