package snapshot

import (
	"bytes"
	"testing"

	"flowring/flow"
	"flowring/store/digest"
)

// Frames have one encoding: each frame that is accepted is written in the same form (P16).
func FuzzFrames(f *testing.F) {
	dots := digest.Of(flow.Dot{Origin: 1, Seq: 1}, flow.Dot{Origin: 1, Seq: 3})
	head := Head{flow.Slice{Hour: 12}, 2, dots}
	f.Add(head.Encode())
	f.Add(EncodeIDs([]IDPair{{flow.ID{1}, flow.ID{2}}, {flow.ID{}, flow.ID{3}}}))
	f.Add([]byte{headKind})
	f.Add((&flow.Batch{Slice: flow.Slice{Hour: 12}}).Encode())
	f.Add(closeFrame(append(frame('S', 0), "a kind of a later version"...)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if h, err := ParseHead(data); err == nil && !bytes.Equal(h.Encode(), data) {
			t.Errorf("ParseHead accepts %x, which it writes as %x", data, h.Encode())
		}
		p, err := ParsePiece(flow.Slice{Hour: 12}, data)
		if again := EncodeIDs(p.IDs); err == nil && p.Flows == nil && !bytes.Equal(again, data) {
			t.Errorf("ParsePiece accepts %x, which is written as %x", data, again)
		}
		if pairs, err := parseIDs(data); err == nil && !bytes.Equal(EncodeIDs(pairs), data) {
			t.Errorf("parseIDs accepts %x, which it writes as %x", data, EncodeIDs(pairs))
		}
	})
}
