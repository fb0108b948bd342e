package router

import (
	"bytes"
	"encoding/json"
	"testing"
)

// Clients may depend on the bytes. They are the bytes of encoding/json without HTML escaping.
func TestDocumentsHaveTheBytesOfEncodingJSON(t *testing.T) {
	const odd = "a<b>&\u2028\u2029\x00\x1f\x7f\b\f\n\r\t\"\\/é😀"
	three, zero := 3, 0
	drained := exampleMembers()
	drained.Members = append(drained.Members, Member{Name: odd, Drain: &Drain{2, 1}})
	empty := exampleMembers()
	empty.Members = []Member{}
	for name, v := range map[string]any{
		"a problem with all members":    Problem{odd, odd, 400, odd, &three, 4, odd, []string{odd, ""}, 5},
		"a problem of the first record": Problem{Type: "t", Title: "t", Status: 400, Record: &zero},
		"a problem":                     Problem{Type: "t", Title: "t", Status: 500, Stores: []string{}},
		"the members":                   exampleMembers(),
		"a store that is drained":       drained,
		"no members":                    empty,
	} {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		if got := document(v); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s: document = %s, want %s", name, got, &want)
		}
	}
}
