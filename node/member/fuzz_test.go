package member

import (
	"strings"
	"testing"

	"github.com/hashicorp/memberlist"
)

// Metadata of a later version has fields that this program does not know. They are ignored, because the gossip passes on
// the bytes of each node, and this program changes only its own.
func FuzzDecodeNode(f *testing.F) {
	n := Node{Name: "a", Store: "0c", Start: "00f1", HTTP: "10.0.0.1:8080", Peer: "10.0.0.1:8081", Cluster: "9f", Params: "r=3 w=2"}
	meta, err := n.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(n.member(), meta)
	f.Add(n.member(), []byte(strings.TrimSuffix(string(meta), "}")+`,"rack":{"a":[1.50,null]},"w":"2/1-3 later"}`))
	f.Add("another-00f1", meta)
	f.Add("", []byte(`null`))
	f.Fuzz(func(t *testing.T, name string, meta []byte) {
		got, err := decodeNode(&memberlist.Node{Name: name, Meta: meta})
		if err != nil {
			return
		}
		if got.member() != name {
			t.Fatalf("decodeNode(%q, %q) = %+v, which is not named so", name, meta, got)
		}
		written, err := got.encode()
		if err != nil {
			return // escapes may make it longer than the limit
		}
		if again, err := decodeNode(&memberlist.Node{Name: name, Meta: written}); err != nil || again != got {
			t.Fatalf("decodeNode(%q) = %+v, %v, want %+v", written, again, err, got)
		}
	})
}
