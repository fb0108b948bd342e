package journal

import (
	"errors"
	"testing"

	"flowring/internal/compat"
)

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
