package journal

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"flowring/flow"
	"flowring/internal/compat"
)

// A value has one form. A value of a newer version is refused by name, and any other one as damage.
func FuzzUnwrap(f *testing.F) {
	key := stateKey("identity")
	value := make([]byte, envelopeLen+4)
	wrap(value, key, []byte("text"))
	f.Add(key, value)
	newer := bytes.Clone(value)
	newer[0]++
	f.Add(key, newer)
	f.Add(batchKey(batchKind, flow.Slice{Hour: -1}, flow.Dot{Origin: 1, Seq: 2}), value)
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		payload, err := unwrap(key, value)
		switch {
		case len(value) >= envelopeLen && value[0] > envelopeVersion:
			if want := fmt.Sprintf("version %d", value[0]); !errors.Is(err, ErrFormat) || !bytes.Contains([]byte(err.Error()), []byte(want)) {
				t.Fatalf("unwrap(%x, %x) = %v, want a refusal of %s", key, value, err, want)
			}
		case err == nil:
			again := make([]byte, envelopeLen+len(payload))
			if wrap(again, key, payload); !bytes.Equal(again, value) {
				t.Fatalf("unwrap(%x, %x) = %x, which is wrapped as %x", key, value, payload, again)
			}
		case !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrFormat):
			t.Fatalf("unwrap(%x, %x) = %v, want damage or a format", key, value, err)
		}
	})
}

// Each key has one form.
func FuzzParseBatchKey(f *testing.F) {
	f.Add(batchKey(batchKind, flow.Slice{Hour: -1, Index: 3}, flow.Dot{Origin: 1, Seq: 2}))
	f.Add(batchKey(dotKind, flow.Slice{Hour: 480000}, flow.Dot{}))
	f.Add(pieceKey(flow.Slice{Hour: 7}, 1, 2))
	f.Add([]byte{batchKind})
	f.Fuzz(func(t *testing.T, key []byte) {
		if len(key) == 0 || key[0] != batchKind && key[0] != dotKind {
			return // iterators have a prefix
		}
		s, d, err := parseBatchKey(key)
		if err != nil {
			return
		}
		if again := batchKey(key[0], s, d); !bytes.Equal(again, key) {
			t.Fatalf("parseBatchKey(%x) = %v %v, which have the key %x", key, s, d, again)
		}
	})
}

// The version of a folder is read, or refused: one of a newer program with both versions in the message.
func FuzzFolderVersion(f *testing.F) {
	for _, text := range []string{"", "1", "2", "9", "01", "-1", "2147483648", "x"} {
		f.Add([]byte(text), []byte(formatPrefix+text))
	}
	f.Fuzz(func(t *testing.T, marker, format []byte) {
		speaks := compat.Range{Oldest: 1, Newest: 3}
		for name, parse := range map[string]func() (compat.Version, error){
			"parseMarker": func() (compat.Version, error) { return parseMarker(string(marker), speaks) },
			"parseFormat": func() (compat.Version, error) { return parseFormat(format, speaks) },
		} {
			v, err := parse()
			var refused *compat.VersionError
			switch {
			case err == nil && !speaks.Includes(v):
				t.Errorf("%s of %q, %q = version %d, which is not in %v", name, marker, format, v, speaks)
			case errors.As(err, &refused) && (!errors.Is(err, ErrFormat) || speaks.Includes(refused.Version)):
				t.Errorf("%s of %q, %q = %v, want a refused format", name, marker, format, err)
			case err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrCorrupt):
				t.Errorf("%s of %q, %q = %v, want damage or a format", name, marker, format, err)
			}
		}
	})
}
