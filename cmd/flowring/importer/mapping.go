package importer

import (
	"bufio"
	"cmp"

	"flowring/cmd/flowring/parts"
	"flowring/flow"
	"flowring/flow/ingest"
	"flowring/flow/ingest/form"
	"flowring/flow/ingest/preset"
)

// content is the content of a part after its mapping.
type content struct {
	posting *flow.Posting
	counts  ingest.Counts
}

// file maps the parts of one file.
type file interface {
	parts() *parts.Reader
	// mapPart maps a part. faulty is called for each record that is set aside, with its line, and may end the mapping.
	mapPart(p *parts.Part, aside aside) (content, error)
	// checkHeader returns an error if the file needs a header row and has another one. It is called at the end, too, for a
	// file without records.
	checkHeader() error
}

// aside is called for a record that is set aside.
type aside func(why ingest.Reason, line int) error

// mapping maps the records of a preset.
type mapping struct {
	preset *preset.Preset
	engine *ingest.Engine
}

// presetFile is a file with records of a preset.
type presetFile struct {
	*mapping
	in     *bufio.Reader
	reader form.Reader
	lines  *form.Lines // nil: the records are JSON objects
	header error       // the fault of the first header row that has one
	seen   recent
}

// open begins a file.
func (m *mapping) open(in *bufio.Reader) (file, error) {
	reader, err := form.New(m.preset)
	if err != nil {
		return nil, err
	}
	f := &presetFile{mapping: m, in: in, reader: reader}
	f.lines, _ = form.LinesOf(m.preset)
	return f, nil
}

func (f *presetFile) parts() *parts.Reader {
	if f.lines == nil {
		return parts.Objects(f.in)
	}
	return parts.Lines(f.in, f.kind, f.lines.Quoted)
}

// kind tells the kind of a line, and checks a header row.
func (f *presetFile) kind(line []byte) form.LineKind {
	kind := f.lines.Kind(line)
	if kind == form.HeaderLine && f.header == nil {
		f.header = f.preset.CheckColumns(f.lines.Columns(line))
	}
	return kind
}

func (f *presetFile) mapPart(p *parts.Part, aside aside) (content, error) {
	if f.header != nil {
		return content{}, f.header
	}
	r := rows{file: f, body: f.engine.NewBody(len(p.Units)), aside: aside}
	var err error
	if f.lines != nil {
		r.units = p.Units // each is one row
		err = f.reader.Read(p.Text, &r)
	}
	for i := 0; f.lines == nil && i < len(p.Units) && err == nil; i++ {
		u := p.Units[i]
		r.line = u.Line
		if u.Bad {
			r.Malformed()
		} else {
			err = f.reader.Read(p.Of(u), &r)
		}
	}
	if err = cmp.Or(r.err, err); err != nil { // the reader returns the error of aside as well
		return content{}, err
	}
	posting, _ := r.body.Posting()
	return content{posting, r.body.Counts}, nil
}

// checkHeader implements file.
func (f *presetFile) checkHeader() error { return f.header }

// rows maps the rows of a part.
type rows struct {
	file  *presetFile
	body  *ingest.Body
	aside aside
	units []parts.Unit // of lines: those of the next rows
	line  int
	err   error // of aside
}

// next moves on to the line of the next row.
func (r *rows) next() {
	if len(r.units) > 0 {
		r.line, r.units = r.units[0].Line, r.units[1:]
	}
}

// Row implements form.Sink.
func (r *rows) Row(values []string) error {
	r.next()
	why := ingest.Repeated
	if id := r.file.preset.ID(values); id != "" && r.file.seen.add(id) {
		r.body.SetAside(why, 0)
	} else {
		why = r.file.preset.Add(values, r.body)
	}
	return r.note(why)
}

// Malformed implements form.Sink. mapPart returns the error of aside.
func (r *rows) Malformed() {
	r.next()
	r.body.SetAside(ingest.Malformed, 0)
	_ = r.note(ingest.Malformed)
}

func (r *rows) note(why ingest.Reason) error {
	if why != ingest.Kept && r.err == nil {
		r.err = r.aside(why, r.line)
	}
	return r.err
}

// recent are the last IDs of records.
type recent struct{ older, newer map[string]bool }

// mostRecent limits each half of the IDs.
const mostRecent = 500_000

// add adds an ID, and reports whether it was there.
func (r *recent) add(id string) bool {
	if r.older[id] || r.newer[id] {
		return true
	}
	if r.newer == nil || len(r.newer) >= mostRecent {
		r.older, r.newer = r.newer, map[string]bool{}
	}
	r.newer[id] = true
	return false
}
