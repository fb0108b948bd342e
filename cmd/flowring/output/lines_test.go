package output

import (
	"fmt"
	"strings"
	"testing"
)

func TestOtherTextBeginsOnANewLineAfterProgress(t *testing.T) {
	var terminal strings.Builder
	l := &Lines{W: &terminal}
	for _, text := range []string{"\r1 record stored", "\r2 records stored", "flowring: waiting\n", "\r3 records stored", "\n", "flowring: note\n"} {
		fmt.Fprint(l, text)
	}
	want := "\r1 record stored\r2 records stored\nflowring: waiting\n\r3 records stored\nflowring: note\n"
	if terminal.String() != want {
		t.Errorf("the terminal is sent %q, want %q", &terminal, want)
	}
}
