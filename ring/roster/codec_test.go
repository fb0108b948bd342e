package roster

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"flowring/flow"
)

const (
	id0 = `"00000000000000000000000000000000"`
	id1 = `"00000000000000000000000000000001"`
)

func TestRostersAreWrittenAsDocumented(t *testing.T) {
	r := Roster{cluster: "blue"}.
		With(Store{ID: id(1), Name: "b", Established: true, Forgotten: true}).
		With(Store{ID: id(0), Name: "a"})
	want := `{"version":1,"cluster":"blue","stores":[{"id":` + id0 + `,"name":"a"},{"id":` + id1 +
		`,"name":"b","established":true,"forgotten":true}]}`
	if got, err := r.MarshalJSON(); err != nil || string(got) != want {
		t.Errorf("MarshalJSON() = %s, %v, want %s", got, err, want)
	}
	if got, err := (Roster{}).MarshalJSON(); err != nil || string(got) != `{"version":1,"stores":[]}` {
		t.Errorf("MarshalJSON() of the empty roster = %s, %v", got, err)
	}
	want = `{"version":3,"cluster":"blue","stores":[],"closed":489700,"expired":489600,"marks":[{"from":489650,"to":489660,"erased":7}]}`
	floors := Roster{cluster: "blue"}.WithVersion(3).WithFloors(Floors{Closed: 489_700, Expired: 489_600})
	floors.marks = Marks{{489_650, 489_660, 7}}
	if got, err := floors.MarshalJSON(); err != nil || string(got) != want {
		t.Errorf("MarshalJSON() with floors = %s, %v, want %s", got, err, want)
	}
	want = `{"version":3,"cluster":"blue","stores":[],"quorum":{"changes":2,"stores":1}}`
	quorum := Roster{cluster: "blue"}.WithVersion(3).WithQuorum(2).WithQuorum(1)
	if got, err := quorum.MarshalJSON(); err != nil || string(got) != want {
		t.Errorf("MarshalJSON() with a quorum = %s, %v, want %s", got, err, want)
	}
}

// A program reads the roster of a later version, which names the version, and passes on the fields that it does not know.
func TestFieldsOfALaterProgramAreKept(t *testing.T) {
	later := `{"version":7,"cluster":"blue","stores":[{"id":` + id0 + `,"name":"a","speaks":9,"said":2,"rack":"r1"},{"id":` + id1 +
		`,"name":"b"}],"retention":{"days":30,"of":["x"]}}`
	r, err := Parse([]byte(later))
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := r.Get(id(0)); r.Version() != 7 || s.Speaks != 9 || s.Said != 2 {
		t.Errorf("Parse = version %d, store %+v, want version 7 and a store that speaks 9", r.Version(), s)
	}
	gone := Store{ID: id(1), Forgotten: true}
	known, err := Roster{}.With(Store{ID: id(0), Name: "a", Established: true}).Merge(r.With(gone))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":7,"cluster":"blue","stores":[{"id":` + id0 + `,"name":"a","established":true,"speaks":9,"said":2,"rack":"r1"},{"id":` +
		id1 + `,"name":"b","forgotten":true}],"retention":{"days":30,"of":["x"]}}`
	if got, err := known.MarshalJSON(); err != nil || string(got) != want {
		t.Errorf("MarshalJSON() = %s, %v, want %s", got, err, want)
	}
}

// A roster without the facts of later programs has the bytes and the hash that programs before versions compute.
func TestRostersOfVersion1AreThoseOfProgramsBeforeVersions(t *testing.T) {
	r := Roster{cluster: "blue"}.With(Store{ID: id(0), Name: "a", Established: true}.Speaking(1)).WithVersion(1)
	if got, err := r.MarshalJSON(); err != nil || strings.Contains(string(got), "speaks") || strings.Contains(string(got), "said") {
		t.Errorf("MarshalJSON() = %s, %v, want the fields of a program before versions", got, err)
	}
	if got, want := r.Hash(), "2514d7c8aed7ea382f33ceb619b57691"; got != want {
		t.Errorf("Hash() = %s, want %s", got, want)
	}
}

// A roster without floors and quorum has the hash that programs of version 2 compute.
func TestRostersWithoutFloorsAreThoseOfVersion2(t *testing.T) {
	r := Roster{cluster: "blue"}.With(Store{ID: id(0), Name: "a", Established: true}.Speaking(2)).WithVersion(2)
	if got, want := r.Hash(), "2f222bbc9053e7031e1311cbdb50e29b"; got != want {
		t.Errorf("Hash() = %s, want %s", got, want)
	}
}

func TestRostersSurviveEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRoster("", "blue").Draw(t, "roster")
		data, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Parse(data); err != nil || !got.Equal(r) {
			t.Fatalf("Parse(%s) = %v, %v, want %v", data, got, err, r)
		}
	})
}

func TestParseRefuses(t *testing.T) {
	store := func(id, name string) string { return `{"version":1,"stores":[{"id":` + id + `,"name":` + name + `}]}` }
	for name, data := range map[string]string{
		"nothing":                 ``,
		"null":                    `null`,
		"no version":              `{"stores":[]}`,
		"a negative version":      `{"version":-1,"stores":[]}`,
		"a store before versions": `{"version":1,"stores":[{"id":` + id0 + `,"name":"a","speaks":-1}]}`,
		"a repeated later field":  `{"version":1,"stores":[],"epoch":3,"epoch":4}`,
		"too many later fields":   `{"version":1,"stores":[],"epoch":"` + strings.Repeat("x", maxUnknown) + `"}`,
		"a repeated field":        `{"version":1,"version":1,"stores":[]}`,
		"trailing data":           `{"version":1,"stores":[]}{}`,
		"a short ID":              store(`"00"`, `"a"`),
		"an upper-case ID":        store(`"0000000000000000000000000000000A"`, `"a"`),
		"an empty name":           store(id0, `""`),
		"a name with a slash":     store(id0, `"a/b"`),
		"a name of 65 bytes":      store(id0, `"`+strings.Repeat("a", 65)+`"`),
		"a cluster with a space":  `{"version":1,"cluster":"a b","stores":[]}`,
		"a repeated store":        `{"version":1,"stores":[{"id":` + id0 + `,"name":"a"},{"id":` + id0 + `,"name":"a"}]}`,
		"stores out of order":     `{"version":1,"stores":[{"id":` + id1 + `,"name":"a"},{"id":` + id0 + `,"name":"a"}]}`,
		"white space without end": `{"version":1,"stores":[]}` + strings.Repeat(" ", maxBytes),
		"a negative floor":        `{"version":3,"stores":[],"closed":-1,"expired":-1}`,
		"F above C":               `{"version":3,"stores":[],"closed":7,"expired":8}`,
		"a mark of no hour":       `{"version":3,"stores":[],"marks":[{"from":7,"to":7}]}`,
		"a mark of expired hours": `{"version":3,"stores":[],"closed":9,"expired":9,"marks":[{"from":7,"to":10}]}`,
		"marks that overlap":      `{"version":3,"stores":[],"marks":[{"from":7,"to":9},{"from":8,"to":10,"erased":1}]}`,
		"two marks of one kind":   `{"version":3,"stores":[],"marks":[{"from":7,"to":9},{"from":9,"to":10}]}`,
		"a negative time":         `{"version":3,"stores":[],"marks":[{"from":7,"to":9,"erased":-1}]}`,
		"a fraction as a floor":   `{"version":3,"stores":[],"closed":7.5}`,
		"a quorum of no store":    `{"version":3,"stores":[],"quorum":{"changes":1,"stores":0}}`,
		"a quorum of no change":   `{"version":3,"stores":[],"quorum":{"stores":2}}`,
		"one store too many":      tooMany(),
	} {
		if got, err := Parse([]byte(data)); err == nil {
			t.Errorf("Parse(%s) = %v, want an error", name, got)
		}
	}
}

func tooMany() string {
	var stores []string
	for i := range MaxStores + 1 {
		stores = append(stores, fmt.Sprintf(`{"id":%q,"name":"a"}`, id(i)))
	}
	return `{"version":1,"stores":[` + strings.Join(stores, ",") + `]}`
}

func TestTheLargestRosterCanBeReadBack(t *testing.T) {
	r := Roster{cluster: strings.Repeat("c", MaxName)}
	for i := range flow.Hour(MaxSpans) {
		r.marks = append(r.marks, Span{1e8 + 2*i, 1e8 + 2*i + 1, 1e10})
	}
	r.unknown = `{"x":"` + strings.Repeat("x", maxUnknown-8) + `"}`
	for i := range MaxStores {
		r = r.With(Store{
			ID: id(i), Name: strings.Repeat("n", MaxName), Established: true, Leaving: true, Forgotten: true,
			Speaks: 99, Said: 9999,
		})
	}
	data, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Parse(data); err != nil || !got.Equal(r) {
		t.Errorf("Parse(%d bytes) = %d stores, %v, want %d", len(data), len(got.stores), err, MaxStores)
	}
}

func TestMarshalRefusesARosterThatParseRefuses(t *testing.T) {
	for name, r := range map[string]Roster{
		"a store without a name": Roster{}.With(Store{ID: id(0)}),
		"a store without an ID":  Roster{}.With(Store{Name: "a"}),
		"an invalid cluster":     {cluster: "a b"},
		"one store too many":     rosterOf(MaxStores).With(Store{ID: id(MaxStores), Name: "a"}),
	} {
		if data, err := r.MarshalJSON(); err == nil {
			t.Errorf("MarshalJSON(%s) = %.60s, want an error", name, data)
		}
	}
}

func TestARosterCanBePartOfALargerDocument(t *testing.T) {
	want := rosterOf(2)
	data, err := stdjson.Marshal(map[string]Roster{"roster": want})
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Roster Roster }
	if err := stdjson.Unmarshal(data, &got); err != nil || !got.Roster.Equal(want) {
		t.Errorf("Unmarshal(%s) = %v, %v, want %v", data, got, err, want)
	}
	if err := got.Roster.UnmarshalJSON([]byte(`{"version":0}`)); err == nil || !got.Roster.Equal(want) {
		t.Errorf("UnmarshalJSON(version 0) = %v and left %v, want an error and %v", err, got.Roster, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range []Roster{{}, {cluster: "blue"}, rosterOf(3), rosterOf(3).With(Store{ID: id(1), Forgotten: true})} {
		data, err := r.MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"version":3,"stores":[{"id":` + id0 + `,"name":"a","speaks":4,"said":2,"rack":{"b":1,"a":[1.50]}}],"later":1e2}`))
	f.Add([]byte(`{"version":3,"stores":[],"closed":489700,"expired":489600,"later":{"a":1}}`))
	f.Add([]byte(`{"version":3,"stores":[],"expired":3,"closed":3,"marks":[{"from":4,"to":7},{"from":7,"to":9,"erased":5}]}`))
	f.Add([]byte(`{"version":3,"stores":[],"quorum":{"changes":2,"stores":1}}`))
	f.Add([]byte(`{"version":1,"stores":[{"id":` + id0 + `,"name":"a"},{"id":` + id0 + `,"name":"a"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse(data)
		if err != nil {
			return
		}
		first, err := r.MarshalJSON()
		if err != nil {
			t.Fatalf("MarshalJSON of a parsed roster: %v", err)
		}
		if lost := lostFields(t, data, first); len(lost) > 0 {
			t.Fatalf("%s, written again as %s, has lost %v", data, first, lost)
		}
		again, err := Parse(first)
		if err != nil || !again.Equal(r) || again.Hash() != r.Hash() {
			t.Fatalf("Parse(%s) = %v, %v, want %v", first, again, err, r)
		}
		if merged, err := again.Merge(Roster{cluster: r.cluster}.With(Store{ID: id(9), Name: "b"})); err == nil {
			if err := keepsFields(r.unknown, merged.unknown); err != nil {
				t.Fatal(err)
			}
		}
		if second, err := again.MarshalJSON(); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("MarshalJSON() = %s, then %s, %v, want the same", first, second, err)
		}
	})
}

// lostFields returns the unknown fields of a roster and its stores that differ in another encoding of it.
func lostFields(t *testing.T, data, written []byte) (lost []string) {
	t.Helper()
	type fields map[string]jsontext.Value
	read := func(data []byte) []fields {
		var rest fields
		if err := json.Unmarshal(data, &rest); err != nil {
			t.Fatal(err)
		}
		var stores []fields
		if err := json.Unmarshal(rest["stores"], &stores); err != nil && rest["stores"] != nil {
			t.Fatal(err)
		}
		return append(stores, rest)
	}
	known := []string{"version", "cluster", "stores", "closed", "expired", "marks", "quorum", "id", "name", "established", "leaving", "forgotten", "speaks", "said"}
	after := read(written)
	for i, object := range read(data) {
		for name, value := range object {
			if got := after[i][name]; !slices.Contains(known, name) && !sameValue(got, value) {
				lost = append(lost, fmt.Sprintf("%s: %s instead of %s", name, got, value))
			}
		}
	}
	return lost
}

// sameValue reports whether two JSON values are equal. Numbers are equal if they have the same value.
func sameValue(a, b jsontext.Value) bool {
	return len(a) > 0 && canonicalText(a) == canonicalText(b)
}

func canonicalText(v jsontext.Value) string {
	v = v.Clone()
	if v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)) != nil {
		return ""
	}
	return string(v)
}
