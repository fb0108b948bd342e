package node

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json"
)

// The node's own state on disk may be of a later version, with fields that this program does not know.
func FuzzParseState(f *testing.F) {
	f.Add([]byte(`["10.0.0.1:7946"]`))
	f.Add([]byte(`{"at":"10.0.0.1:7946","known":["10.0.0.1:7946"]}`))
	f.Add([]byte(`{"at":"10.0.0.1:7946","known":null,"later":{"a":1}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, value []byte) {
		_, _ = parseState[[]string](stateSettled, value)
		w, err := parseState[savedAddresses](stateWhereabouts, value)
		if err != nil {
			return
		}
		first, err := json.Marshal(w)
		if err != nil {
			t.Fatalf("the addresses of %q cannot be written: %v", value, err)
		}
		again, err := parseState[savedAddresses](stateWhereabouts, first)
		second, _ := json.Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("the addresses of %q are written as %s, then as %s, %v", value, first, second, err)
		}
	})
}
