//go:build !race

package ask

// Time is virtual in a synctest bubble. Bubbles crash under the race detector on Go 1.26 (go.dev/issue/76691).

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a reader that takes its time for each byte.
type slow struct {
	io.Reader
	each time.Duration
}

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(s.each)
	return s.Reader.Read(p[:1])
}

func TestProgressBeginsAfterASecondAndVanishesAtTheEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		each time.Duration
		want string
	}{
		{"a quick answer", 100 * time.Millisecond, ""},
		{"a slow answer", 700 * time.Millisecond, "\r2 B read \x1b[K\r3 B read \x1b[K\r4 B read \x1b[K\r4 B read \x1b[K\r\x1b[K"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var terminal strings.Builder
			p := newProgress(slow{strings.NewReader("abcd"), tt.each}, &terminal)
			if _, err := io.ReadAll(p); err != nil {
				t.Fatal(err)
			}
			if p.end(); terminal.String() != tt.want {
				t.Errorf("%s shows %q, want %q", tt.name, &terminal, tt.want)
			}
		})
	}
}
