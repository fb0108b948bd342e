package entry

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"flowring/flow"
)

// A value has one form. A value of a newer version is refused by name, and any other one as damage.
func FuzzUnwrap(f *testing.F) {
	key := StateKey("identity")
	value := make([]byte, EnvelopeLen+4)
	Wrap(value, key, []byte("text"))
	f.Add(key, value)
	newer := bytes.Clone(value)
	newer[0]++
	f.Add(key, newer)
	f.Add(BatchKey(Batch, flow.Slice{Hour: -1}, flow.Dot{Origin: 1, Seq: 2}), value)
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		payload, err := Unwrap(key, value)
		switch {
		case len(value) >= EnvelopeLen && value[0] > Version:
			if want := fmt.Sprintf("version %d", value[0]); !errors.Is(err, ErrFormat) || !bytes.Contains([]byte(err.Error()), []byte(want)) {
				t.Fatalf("unwrap(%x, %x) = %v, want a refusal of %s", key, value, err, want)
			}
		case err == nil:
			again := make([]byte, EnvelopeLen+len(payload))
			if Wrap(again, key, payload); !bytes.Equal(again, value) {
				t.Fatalf("unwrap(%x, %x) = %x, which is wrapped as %x", key, value, payload, again)
			}
		case !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrFormat):
			t.Fatalf("unwrap(%x, %x) = %v, want damage or a format", key, value, err)
		}
	})
}

// Each key has one form.
func FuzzParseBatchKey(f *testing.F) {
	f.Add(BatchKey(Batch, flow.Slice{Hour: -1, Index: 3}, flow.Dot{Origin: 1, Seq: 2}))
	f.Add(BatchKey(Dot, flow.Slice{Hour: 480000}, flow.Dot{}))
	f.Add(PieceKey(flow.Slice{Hour: 7}, 1, 2))
	f.Add([]byte{Batch})
	f.Fuzz(func(t *testing.T, key []byte) {
		if len(key) == 0 || key[0] != Batch && key[0] != Dot {
			return // iterators have a prefix
		}
		s, d, err := ParseBatch(key)
		if err != nil {
			return
		}
		if again := BatchKey(key[0], s, d); !bytes.Equal(again, key) {
			t.Fatalf("parseBatchKey(%x) = %v %v, which have the key %x", key, s, d, again)
		}
	})
}
