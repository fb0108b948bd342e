package preset

import (
	"fmt"
	"math"
	"math/bits"
	"net/netip"
	"slices"
	"strings"

	"flowring/flow/field"
	"flowring/flow/ingest"
)

// Preset is a compiled preset.
type Preset struct {
	Name    string
	About   string   // for people; the first line is a summary
	Form    string   // of a body: a name of Forms
	Columns []string // of lines without a header
	Records string   // the field of a JSON document that has the records; empty: the records are the document
	Metrics []string // the names of metrics, of form OTLP
	Key     string   // the identity of a body: a name of Keys
	Text    []byte   // the file

	Envelopes []string // in which a body may come: names of EnvelopeKinds

	DefaultVPC    string
	Placeholder   string
	HideAddresses bool
	NamesFirst    bool
	FromInitiator bool

	fields        fields
	src, dest     names
	vpc           []template
	id            template // of a record; no texts: records have none
	tx, rx, rate  int      // fields; -1: none
	absentIs0     bool
	start, finish []int
	unit          string
	answer        []test
	rules         []compiledRule
}

// names are the names of one end.
type names struct {
	templates []template
	workload  bool
	addresses []int
}

type compiledRule struct {
	when   []test
	why    ingest.Reason
	madeAt ingest.MadeAt
	tx, rx int // fields; -1: those of the preset, -2: none
}

// Forms are the forms of bodies: see package form.
func Forms() []string { return []string{"json", "csv", "aws-lines", "otlp"} }

// Keys are the identities of bodies. Of a request: the envelope or a header has it. Of records: each has an ID of its
// own. Of a body: the hash of its content, because its records have times so fine that two bodies cannot be equal.
func Keys() []string { return []string{"request", "records", "body"} }

// EnvelopeKinds are the envelopes of bodies: see package envelope.
func EnvelopeKinds() []string { return []string{"firehose", "cloudwatch", "pubsub"} }

// Parse compiles the content of a file.
func Parse(content []byte) (*Preset, error) {
	f, err := decode(content)
	if err != nil {
		return nil, err
	}
	p := &Preset{
		Name: f.Name, About: f.About, Form: f.Form, Columns: f.Columns, Envelopes: f.Envelopes, Records: f.Records,
		Metrics: f.Metrics, Key: f.Key,
		DefaultVPC: f.DefaultVPC, Placeholder: ingest.External, HideAddresses: f.HideAddresses, NamesFirst: f.NamesFirst,
		FromInitiator: f.FromInitiator, Text: slices.Clone(content), absentIs0: f.Bytes.AbsentIs0,
	}
	if f.Placeholder != nil {
		p.Placeholder = *f.Placeholder
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	for _, step := range [...]func(*file) error{p.compileNames, p.compileNumbers, p.compileRules} {
		if err := step(f); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// check checks the keys that need no compiling.
func (p *Preset) check() error {
	for _, r := range p.Name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return fmt.Errorf("name %q: only a-z, 0-9 and - may stand in a path", p.Name)
		}
	}
	switch {
	case p.Name == "":
		return fmt.Errorf("name is missing: it is the last part of the path /ingest/NAME")
	case !slices.Contains(Forms(), p.Form):
		return fmt.Errorf("form %q: it is one of %v", p.Form, Forms())
	case !slices.Contains(Keys(), p.Key):
		return fmt.Errorf("key %q: it is one of %v", p.Key, Keys())
	case slices.ContainsFunc(p.Envelopes, func(e string) bool { return !slices.Contains(EnvelopeKinds(), e) }):
		return fmt.Errorf("envelopes %v: each is one of %v", p.Envelopes, EnvelopeKinds())
	case field.NameFault(p.DefaultVPC) != "":
		return fmt.Errorf("default_vpc %s", field.NameFault(p.DefaultVPC))
	case p.Placeholder != "" && field.NameFault(p.Placeholder) != "":
		return fmt.Errorf("placeholder %s", field.NameFault(p.Placeholder))
	}
	return nil
}

func (p *Preset) compileNames(f *file) (err error) {
	for _, e := range [...]struct {
		key  string
		from *end
		to   *names
	}{{"src", &f.Src, &p.src}, {"dest", &f.Dest, &p.dest}} {
		if e.from.Cut != "" && e.from.Cut != "workload" {
			return fmt.Errorf("%s.cut %q: it is workload or absent", e.key, e.from.Cut)
		}
		if len(e.from.Name) == 0 && len(e.from.Address) == 0 {
			return fmt.Errorf("%s needs a name or an address", e.key)
		}
		e.to.workload = e.from.Cut != ""
		if e.to.templates, err = p.fields.templates(e.from.Name); err != nil {
			return fmt.Errorf("%s.name: %w", e.key, err)
		}
		e.to.addresses = p.numbers(e.from.Address)
	}
	if p.vpc, err = p.fields.templates(f.VPC); err != nil {
		return fmt.Errorf("vpc: %w", err)
	}
	if (f.ID != "") != (p.Key == "records") {
		return fmt.Errorf("id is the template of the ID of a record: the key records needs it, and no other has it")
	}
	if p.id, err = p.fields.template(f.ID); err != nil {
		return fmt.Errorf("id: %w", err)
	}
	return nil
}

func (p *Preset) compileNumbers(f *file) (err error) {
	if f.Bytes.Tx == "" || len(f.Interval.End) == 0 {
		return fmt.Errorf("bytes.tx and interval.end name a field")
	}
	if f.Interval.Unit != rfc3339 && f.Interval.Unit != datetime && units[f.Interval.Unit] == 0 {
		return fmt.Errorf("interval.unit %q: it is s, ms, us, ns, rfc3339 or datetime", f.Interval.Unit)
	}
	p.tx, p.rx, p.rate = p.optional(f.Bytes.Tx), p.optional(f.Bytes.Rx), p.optional(f.Rate)
	p.start, p.finish, p.unit = p.numbers(f.Interval.Start), p.numbers(f.Interval.End), f.Interval.Unit
	if p.answer, err = p.fields.condition(f.Answer); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

func (p *Preset) compileRules(f *file) error {
	for _, r := range f.Rules {
		c := compiledRule{tx: -1, rx: -1}
		var err error
		if c.when, err = p.fields.condition(r.When); err != nil {
			return fmt.Errorf("line %d: %w", r.line, err)
		}
		switch {
		case (r.SetAside == "") == (r.Keep == nil):
			return fmt.Errorf("line %d: a rule has either set_aside or keep", r.line)
		case r.Keep != nil:
			err = p.compileKeep(r.Keep, &c)
		default:
			var known bool
			if c.why, known = ingest.ParseReason(r.SetAside); !known {
				err = fmt.Errorf("unknown reason %q, known are %v", r.SetAside, slices.Collect(ingest.Reasons()))
			}
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", r.line, err)
		}
		p.rules = append(p.rules, c)
	}
	return nil
}

func (p *Preset) compileKeep(k *keep, c *compiledRule) error {
	places := map[string]ingest.MadeAt{
		"": ingest.Anywhere, "sender": ingest.AtSender, "receiver": ingest.AtReceiver, "one-end": ingest.AtOneEnd,
	}
	at, ok := places[k.MadeAt]
	if !ok {
		return fmt.Errorf("made_at %q: it is sender, receiver, one-end or absent", k.MadeAt)
	}
	c.madeAt = at
	if k.Tx != "" || k.Rx != "" {
		if c.tx, c.rx = p.optional(k.Tx), p.optional(k.Rx); c.tx < 0 {
			return fmt.Errorf("keep: rx without tx")
		}
		if c.rx < 0 {
			c.rx = -2
		}
	}
	return nil
}

// optional returns the number of a field, or -1 for no name.
func (p *Preset) optional(name string) int {
	if name == "" {
		return -1
	}
	return p.fields.number(name)
}

func (p *Preset) numbers(list texts) (all []int) {
	for _, name := range list {
		all = append(all, p.fields.number(name))
	}
	return all
}

// Fields returns the fields of a row, in order. The caller must not change them.
func (p *Preset) Fields() []string { return p.fields }

// Engine returns the engine of the preset. observed are the ranges whose hosts report their own traffic.
func (p *Preset) Engine(addresses ingest.Names, observed []netip.Prefix) *ingest.Engine {
	return &ingest.Engine{
		Names: addresses, NamesFirst: p.NamesFirst, HideAddresses: p.HideAddresses, Placeholder: p.Placeholder,
		VPC: p.DefaultVPC, Observed: observed, FromInitiator: p.FromInitiator,
	}
}

// Map maps a row, which has a value for each of Fields. For a row that does not count it returns the reason, with the
// bytes as far as the row has them.
func (p *Preset) Map(row []string) (r ingest.Record, why ingest.Reason, bytes uint64) {
	tx, rx := p.tx, p.rx
	for i := range p.rules {
		rule := &p.rules[i]
		if !holds(rule.when, row) {
			continue
		}
		if rule.why != ingest.Kept {
			return r, rule.why, p.bytes(row)
		}
		r.MadeAt = rule.madeAt
		if rule.tx >= 0 {
			tx, rx = rule.tx, rule.rx
		}
		break
	}
	if why := p.count(row, tx, rx, &r); why != ingest.Kept {
		return r, why, 0
	}
	if !p.times(row, &r) {
		return r, ingest.BadTime, p.bytes(row)
	}
	r.Src, r.Dest = p.src.end(row), p.dest.end(row)
	r.VPC = firstText(p.vpc, row)
	r.Answer = len(p.answer) > 0 && holds(p.answer, row)
	return r, ingest.Kept, 0
}

// ID returns the ID of the record of a row; empty: it has none.
func (p *Preset) ID(row []string) string { return p.id.text(row) }

// Add maps a row into a body.
func (p *Preset) Add(row []string, to *ingest.Body) ingest.Reason {
	r, why, bytes := p.Map(row)
	if why != ingest.Kept {
		to.SetAside(why, bytes)
		return why
	}
	return to.Add(&r)
}

// count reads the numbers of a row.
func (p *Preset) count(row []string, tx, rx int, r *ingest.Record) ingest.Reason {
	ok := true
	read := func(i int, absent uint64, absentOK bool) uint64 {
		if i < 0 || row[i] == "" {
			ok = ok && (i < 0 || absentOK)
			return absent
		}
		n, valid := integer(row[i])
		ok = ok && valid
		return n
	}
	r.Tx, r.Rx, r.Rate = read(tx, 0, p.absentIs0), read(rx, 0, true), read(p.rate, 1, true)
	if !ok {
		return ingest.BadNumber
	}
	return ingest.Kept
}

// bytes returns the bytes of a row that does not count, times the rate; it is at most 2^64-1.
func (p *Preset) bytes(row []string) uint64 {
	var r ingest.Record
	if p.count(row, p.tx, p.rx, &r) != ingest.Kept {
		return 0
	}
	sum, carry := bits.Add64(r.Tx, r.Rx, 0)
	high, low := bits.Mul64(sum, max(r.Rate, 1))
	if carry != 0 || high != 0 {
		return math.MaxUint64
	}
	return low
}

// times reads the interval of a row. A time of 0 is absent. Without a start the record is of an instant.
func (p *Preset) times(row []string, r *ingest.Record) bool {
	read := func(list []int) (ns int64, found, ok bool) {
		for _, i := range list {
			if row[i] == "" || row[i] == "0" || strings.HasPrefix(row[i], "0000-00-00") {
				continue
			}
			ns, ok := instant(row[i], p.unit)
			return ns, true, ok
		}
		return 0, false, true
	}
	end, found, ok := read(p.finish)
	start, hasStart, startOK := read(p.start)
	if !hasStart {
		start = end
	}
	r.Start, r.End = start, end
	return found && ok && startOK
}

// end returns the name and the address of an end.
func (n *names) end(row []string) (e ingest.End) {
	e.Name = firstText(n.templates, row)
	if n.workload {
		e.Name = ingest.Workload(e.Name)
	}
	for _, i := range n.addresses {
		if row[i] == "" { // the error of the parser would be an allocation
			continue
		}
		if a, err := netip.ParseAddr(row[i]); err == nil {
			e.Addr = a
			break
		}
	}
	return e
}
