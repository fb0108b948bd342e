package main

import (
	"maps"
	"strings"
	"testing"
	"time"
)

const traces = `File: bench
Type: cpu
Duration: 1.30s, Total samples = 160ms (90.59%)
-----------+-------------------------------------------------------
    pebble:  wal-sync
      20ms   internal/runtime/syscall/linux.Syscall6
             github.com/cockroachdb/pebble/v2/vfs.(*linuxFile).SyncData
             runtime/pprof.Do
-----------+-------------------------------------------------------
      90ms   runtime.memmove (inline)
             flowring/flow.mix
             flowring/flow/scan.(*Table).Add
             flowring/flow.Decode
             flowring/router.(*router).post
             net/http.(*conn).serve
-----------+-------------------------------------------------------
      40ms   runtime.scanobject
             runtime.gcAssistAlloc
             runtime.mallocgc
             flowring/flow.Decode
-----------+-------------------------------------------------------
      10ms   main.strange[struct { a int }]
-----------+-------------------------------------------------------
`

// A small function belongs to its caller within its package.
func TestASmallFunctionIsPartOfItsCaller(t *testing.T) {
	for want, stack := range map[string][]string{
		"flow: scan JSON": {"flowring/flow.first", "flowring/flow/scan.(*Scanner).text", "flowring/router.post"},
		"flow: other":     {"runtime.memmove", "flowring/flow.first", "flowring/router.(*router).post"},
		"router":          {"runtime.memmove", "flowring/router.(*router).post", "flowring/flow.first"},
		"other":           {"runtime.memmove", "main.main"},
	} {
		if got := areaOf(stack); got != want {
			t.Errorf("%v is of %q, want %q", stack, got, want)
		}
	}
	if got := areaOf([]string{"flowring/flow.first"}); got != flowOther {
		t.Errorf("a small function alone is of %q", got)
	}
}

func TestASampleBelongsToItsInnermostArea(t *testing.T) {
	want := map[string]time.Duration{
		"journal, Pebble":    20 * time.Millisecond,
		"flow: add up":       90 * time.Millisecond,
		"garbage collection": 40 * time.Millisecond,
		"other":              10 * time.Millisecond,
	}
	got := shares([]byte(traces))
	if !maps.Equal(got, want) {
		t.Errorf("shares = %v, want %v", got, want)
	}
	var text strings.Builder
	if err := writeShares(&text, got); err != nil {
		t.Fatal(err)
	}
	const wantText = "56.2 %  flow: add up\n25.0 %  garbage collection\n12.5 %  journal, Pebble\n 6.2 %  other\n"
	if text.String() != wantText {
		t.Errorf("writeShares = %q, want %q", text.String(), wantText)
	}
}
