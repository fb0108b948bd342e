package proctest

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestTheLedgerNotices proves that the judge of all these tests is not asleep.
func TestTheLedgerNotices(t *testing.T) {
	own := func(name string, weight int64) record {
		return record{name, "own", "vpc-0", weight, 2 * weight, 480_000}
	}
	all := func(weight int64) record { return record{shared, "all", "vpc-0", weight, 2 * weight, 480_000} }
	for _, tt := range []struct {
		name  string
		flows []record
		want  string
	}{
		{"what was acknowledged is there", []record{own("a", 5), all(5)}, ""},
		{"so may be what was not", []record{own("a", 5), own("b", 7), all(12)}, ""},
		{"an acknowledged batch is lost", []record{own("b", 7), all(7)}, "batch a is lost"},
		{"everything is lost", []record{}, "batch a is lost"},
		{"a batch is counted twice", []record{own("a", 10), all(10)}, "exactly one batch"},
		{"a batch is counted half", []record{own("a", 5), own("b", 7), all(5)}, "shared flow has 5"},
		{"the shared flow is lost", []record{own("a", 5)}, "shared flow has 0"},
		{"a flow is listed twice", []record{own("a", 5), own("a", 5), all(10)}, "never sent"},
		{"a flow comes from nowhere", []record{own("a", 5), own("c", 1), all(6)}, "never sent"},
		{"a flow is of another hour", []record{{"a", "own", "vpc-0", 5, 10, 1}, all(5)}, "never sent"},
		{"received bytes are wrong", []record{{"a", "own", "vpc-0", 5, 11, 480_000}, all(5)}, "exactly one batch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLedger()
			l.hours[480_000] = &page{map[string]int64{"a": 5, "b": 7}, map[string]bool{}, map[string]bool{}, nil}
			l.ack(batch{480_000, "a", 5})
			document, _ := json.Marshal(tt.flows)
			err := l.judge(480_000, document, l.expect(480_000))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("judge(%s) = %v, want %q", document, err, tt.want)
			}
		})
	}
}

func TestWhatACompleteReadShowedIsExpectedOfTheNext(t *testing.T) {
	l := newLedger()
	b := l.next("a")
	document, _ := json.Marshal(b.records())
	if err := l.judge(b.hour, document, l.expect(b.hour)); err != nil {
		t.Fatal(err)
	}
	if err := l.judge(b.hour, []byte("[]"), l.expect(b.hour)); err == nil {
		t.Error("judge of a read that lacks what the one before had shown = nil, want an error")
	}
}
