package parts

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"flowring/flow/ingest/form"
)

// all returns the parts of a reader, and the error that ended it; nil for io.EOF.
func all(r *Reader) (parts []Part, err error) {
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return parts, err
		}
		parts = append(parts, Part{bytes.Clone(p.Text), append([]Unit(nil), p.Units...), p.Key})
	}
}

// kind is that of a table whose header is the line "h", or begins with it.
func kind(line []byte) form.LineKind {
	switch {
	case len(line) == 0:
		return form.NoRecord
	case line[0] == 'h':
		return form.HeaderLine
	}
	return form.RecordLine
}

func units(parts []Part) (texts []string, lines []int) {
	for _, p := range parts {
		for _, u := range p.Units {
			texts, lines = append(texts, string(p.Of(u))), append(lines, u.Line)
		}
	}
	return texts, lines
}

func TestObjectsAreFoundWhateverStandsBetweenThem(t *testing.T) {
	const text = "{\"a\":1}{\"a\":2}\n\n [{\"a\":\n3},{\"b\":\"]}\"}] \n{\"cut\":\n{\"a\":4}\n5 nonsense\n{\"a\":5}"
	for name, in := range map[string]io.Reader{"whole": strings.NewReader(text), "bytes": iotest.OneByteReader(strings.NewReader(text))} {
		got, err := all(Objects(in))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		texts, lines := units(got)
		want := []string{`{"a":1}`, `{"a":2}`, "{\"a\":\n3}", `{"b":"]}"}`, "", `{"a":4}`, "", "", `{"a":5}`}
		if !reflect.DeepEqual(texts, want) || !reflect.DeepEqual(lines, []int{1, 1, 3, 4, 5, 6, 7, 7, 8}) {
			t.Errorf("%s: units %q of lines %v, want %q", name, texts, lines, want)
		}
	}
}

func TestAPartHasTheLastHeaderBeforeIt(t *testing.T) {
	var text strings.Builder
	text.WriteString("h1\n")
	for i := range MaxUnits + 1 {
		fmt.Fprintf(&text, "%d\r\n\n", i)
	}
	text.WriteString("h2\nlast")
	got, err := all(Lines(strings.NewReader(text.String()), kind, false))
	if err != nil || len(got) != 2 {
		t.Fatalf("%d parts and %v, want two", len(got), err)
	}
	if want := "h1\n10000\nh2\nlast\n"; string(got[1].Text) != want || got[1].Units[1].Line != 2*MaxUnits+5 {
		t.Errorf("second part %q with %+v, want %q", got[1].Text, got[1].Units, want)
	}
}

func TestALineWithoutItsEndIsOpen(t *testing.T) {
	for text, want := range map[string]bool{"h\n1\n2": true, "h\n1\n2\n": false, "h\n1\n2\r\n": false, "h\n1\n2\n\n": false} {
		for name, in := range map[string]io.Reader{"whole": strings.NewReader(text), "bytes": iotest.OneByteReader(strings.NewReader(text))} {
			got, err := all(Lines(in, kind, false))
			if err != nil || len(got) != 1 || len(got[0].Units) != 2 {
				t.Fatalf("%q, %s: %+v and %v", text, name, got, err)
			}
			if u := got[0].Units; u[0].Open || u[1].Open != want {
				t.Errorf("%q, %s: units %+v, want the last one open: %v", text, name, u, want)
			}
		}
	}
}

func TestKeysAreThoseOfTheTextSoFar(t *testing.T) {
	row := strings.Repeat("{}\n", MaxUnits)
	keys := func(text string) (keys []string) {
		parts, err := all(Objects(strings.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			keys = append(keys, p.Key)
		}
		return keys
	}
	one, two, other := keys(row), keys(row+row), keys(row+"\n"+row)
	if len(one) != 1 || len(two) != 2 || one[0] == "" || two[0] == two[1] {
		t.Errorf("keys %q and %q: equal texts in another place need another key", one, two)
	}
	if two[0] != other[0] || two[1] == other[1] {
		t.Errorf("keys %q and %q: want equal ones up to the difference", two, other)
	}
}

func TestTheKeysOfAFormatNeverChange(t *testing.T) {
	got, err := all(Lines(strings.NewReader("h\n1\n2\n"), kind, false))
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	const want = "fba8306bd06c5502af0d496627bffaa39b182286d28975081257ccc175069d15" // of sha256sum
	if got[0].Key != want {
		t.Errorf("key %s, want %s: files of earlier versions would count twice (P2)", got[0].Key, want)
	}
}

func TestATextThatIsCutShortIsAnErrorWithoutItsLastPart(t *testing.T) {
	many := strings.Repeat("{\"a\":1},\n", MaxUnits)
	got, err := all(Objects(strings.NewReader("[" + many + "{\"a\":1}")))
	if len(got) != 1 || err == nil || !strings.Contains(err.Error(), "line 10001: the input ends within its array") {
		t.Errorf("array: %d parts and %v", len(got), err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, strings.ReplaceAll(many, "},", "}"))
	z.Close()
	plain, err := gzip.NewReader(bytes.NewReader(packed.Bytes()[:packed.Len()-9]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = all(Objects(plain)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("gzip: %v, want an unexpected end", err)
	}
}

// The rest of an object at which a compressed input is cut short fills no part: the part would have another key than that
// of the whole input, so that its records would count twice (P2).
func TestAnObjectThatIsCutShortEndsNoPart(t *testing.T) {
	cut := strings.NewReader(strings.Repeat("{}\n", MaxUnits-1) + "{\n" + strings.Repeat("\"a\":1,\n", 50_000))
	got, err := all(Objects(io.MultiReader(cut, iotest.ErrReader(io.ErrUnexpectedEOF))))
	if len(got) > 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d parts and %v, want none and an unexpected end", len(got), err)
	}
}

// The rules of cutting are part of the keys: another limit makes other parts, with other keys, of a file that an earlier
// version has imported (P2).
func TestTheLimitsOfAPartNeverChange(t *testing.T) {
	objects := func(record string, n int) []int {
		got, err := all(Objects(strings.NewReader(strings.Repeat(record, n))))
		if err != nil {
			t.Fatal(err)
		}
		var sizes []int
		for _, p := range got {
			sizes = append(sizes, len(p.Units))
		}
		return sizes
	}
	if got, want := objects("{}\n", 10_001), []int{10_000, 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("small objects: parts of %d, want %d", got, want)
	}
	kib := "{\"a\":\"" + strings.Repeat("x", 1024-9) + "\"}" // with its line end 1 KiB in a part
	if got, want := objects(kib, 9000), []int{8192, 808}; !reflect.DeepEqual(got, want) {
		t.Errorf("objects of 1 KiB: parts of %d, want %d", got, want)
	}
}

func TestTheMemoryIsBounded(t *testing.T) {
	const size = 64 << 20
	line := []byte("{\"name\":\"" + strings.Repeat("x", 50) + "\"}\n")
	r := Objects(io.LimitReader(&repeating{text: line}, size/int64(len(line))*int64(len(line))))
	n := 0
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n += len(p.Units)
	}
	if want := size / len(line); n != want || cap(r.text.full) > 1<<20 || cap(r.part.Text) > 2*MaxText {
		t.Errorf("%d units of %d, with %d and %d bytes of memory", n, want, cap(r.text.full), cap(r.part.Text))
	}
	huge := Objects(io.MultiReader(strings.NewReader(`{"a":"`), &repeating{text: []byte("x")}))
	if _, err := huge.Next(); err == nil || !strings.Contains(err.Error(), "a record of more than") {
		t.Errorf("a record without an end: %v", err)
	}
}

// repeating is a text without an end.
type repeating struct {
	text []byte
	at   int
}

func (r *repeating) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at]
		r.at = (r.at + 1) % len(r.text)
	}
	return len(p), nil
}

// FuzzParts holds that the parts do not depend on how the text arrives, and that lines keep every line.
func FuzzParts(f *testing.F) {
	f.Add("h\n1,\"a\nb\"\n2\n", true)
	f.Add("[{\"a\":1},{}] {\"b\":\n2}\nx\n{}", false)
	f.Add("{\"a\"", false)
	f.Fuzz(func(t *testing.T, text string, quoted bool) {
		for name, open := range map[string]func(io.Reader) *Reader{
			"objects": Objects, "lines": func(in io.Reader) *Reader { return Lines(in, kind, quoted) },
		} {
			whole, err := all(open(strings.NewReader(text)))
			bytewise, err2 := all(open(iotest.OneByteReader(strings.NewReader(text))))
			if !reflect.DeepEqual(whole, bytewise) || (err == nil) != (err2 == nil) {
				t.Errorf("%s: %+v, %v and byte by byte %+v, %v", name, whole, err, bytewise, err2)
			}
		}
		rows := 0
		for line := range strings.SplitSeq(text, "\n") {
			if line = strings.TrimRight(line, "\r"); line != "" && line[0] != 'h' {
				rows++
			}
		}
		got, err := all(Lines(strings.NewReader(text), kind, false))
		if texts, _ := units(got); err != nil || len(texts) != rows {
			t.Errorf("%d units and %v, want %d", len(texts), err, rows)
		}
	})
}
