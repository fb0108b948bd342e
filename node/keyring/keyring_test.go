package keyring

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// line is the line of a key of n bytes.
func line(fill byte, n int) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, n)) + "\n"
}

func TestKeysOfAFile(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		keys       int
		want       string // part of the error
	}{
		{"one key of 16 bytes", line(1, 16), 1, ""},
		{"one key without an end of line", strings.TrimSpace(line(1, 32)), 1, ""},
		{"three keys of all lengths", line(1, 16) + line(2, 24) + line(3, 32), 3, ""},
		{"lines of a system with carriage returns", strings.ReplaceAll(line(1, 16)+line(2, 16), "\n", "\r\n"), 2, ""},
		{"comments and empty lines", "# new\n\n" + line(1, 16) + "  \n# old\n" + line(2, 16), 2, ""},
		{"a key of 15 bytes", line(1, 16) + line(2, 15), 0, "line 2: 15 bytes, want 16, 24 or 32"},
		{"no base64", "!" + line(1, 16), 0, "line 1: not base64"},
		{"a key twice", line(1, 16) + "\n" + line(1, 16), 0, "line 3: the key of an earlier line"},
		{"nothing", "", 0, "no key"},
		{"comments alone", "# none\n", 0, "no key"},
		{"too many keys", func() (all string) {
			for i := range MaxKeys + 1 {
				all += line(byte(i), 16)
			}
			return all
		}(), 0, "17 keys, at most 16"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := Parse([]byte(tt.text))
			if len(keys) != tt.keys || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse = %d keys, %v, want %d, %q", len(keys), err, tt.keys, tt.want)
			}
			for secret := range strings.Lines(tt.text) {
				if secret = strings.TrimSpace(secret); err != nil && len(secret) > 8 && strings.Contains(err.Error(), secret) {
					t.Errorf("the error %q shows a key", err)
				}
			}
		})
	}
}

// Each edit of a rotation changes the ID, and two nodes with the same file have the same ID.
func TestEachEditOfARotationChangesTheID(t *testing.T) {
	was, seen := line(1, 32), map[int]string{}
	for _, file := range []string{was, was + line(2, 32), line(2, 32) + was, line(2, 32)} {
		keys, err := Parse([]byte(file))
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse([]byte("# the same keys\n" + file))
		if err != nil {
			t.Fatal(err)
		}
		if keys.ID() != again.ID() || keys.ID() <= 0 || keys.ID() >= 1<<24 {
			t.Errorf("ID = %d and %d, want the same number from 1 to 2^24-1", keys.ID(), again.ID())
		}
		if other, known := seen[keys.ID()]; known {
			t.Errorf("the files %q and %q have the ID %d", file, other, keys.ID())
		}
		seen[keys.ID()] = file
	}
	if id := Keys(nil).ID(); id != 0 {
		t.Errorf("the ID of no keys is %d, want 0", id)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(line(1, 16) + line(2, 32)))
	f.Add([]byte("#\n\n" + line(1, 24)))
	f.Fuzz(func(t *testing.T, content []byte) {
		keys, err := Parse(content)
		if (err == nil) != (len(keys) > 0) || len(keys) > MaxKeys {
			t.Fatalf("Parse = %d keys, %v", len(keys), err)
		}
		for _, key := range keys {
			if n := len(key); n != 16 && n != 24 && n != 32 {
				t.Fatalf("a key has %d bytes", n)
			}
		}
	})
}
