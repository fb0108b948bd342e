package ledger

import (
	"strings"
	"testing"

	"flowring/flow"
)

const hour flow.Hour = 480_000

func own(name string, weight int64) flow.Record {
	return (&Batch{Hour: hour, Name: name, Weight: weight}).own()
}

// all returns the shared flow.
func all(weight int64) flow.Record { return shared(hour, weight) }

// changed returns a record after a change.
func changed(r flow.Record, change func(*flow.Record)) flow.Record {
	change(&r)
	return r
}

// TestTheLedgerNotices is the negative control of all tests that use a ledger.
func TestTheLedgerNotices(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer []flow.Record
		faults string // of a complete answer
		other  string // of another answer
	}{
		{"an acknowledged batch is shown", []flow.Record{own("a", 5), all(5)}, "", ""},
		{"another batch is shown, too", []flow.Record{own("a", 5), own("b", 7), all(12)}, "", ""},
		{"an acknowledged batch is lost", []flow.Record{own("b", 7), all(7)}, "lacks batch a, acknowledged true (P4)", ""},
		{"everything is lost", nil, "lacks batch a", ""},
		{"a batch counts twice", []flow.Record{own("a", 10), all(10)}, "(P2)", "(P2)"},
		{"a batch counts in part", []flow.Record{own("a", 5), own("b", 7), all(5)}, "5 bytes in the shared flow, and 12", "(P11)"},
		{"the shared flow is lost", []flow.Record{own("a", 5)}, "0 bytes in the shared flow", "(P11)"},
		{"a flow is shown twice", []flow.Record{own("a", 5), own("a", 5), all(10)}, "never sent", "never sent"},
		{"the shared flow is shown twice", []flow.Record{own("a", 5), all(5), all(5)}, "never sent", "never sent"},
		{"a flow comes from nowhere", []flow.Record{own("a", 5), own("d", 1), all(6)}, "never sent", "never sent"},
		{"a refused batch is shown", []flow.Record{own("a", 5), own("c", 9), all(14)}, "(P3)", "(P3)"},
		{
			"a flow has another VPC", []flow.Record{changed(own("a", 5), func(r *flow.Record) { r.VPCID = "x" }), all(5)},
			"never sent", "never sent",
		},
		{
			"a flow is of another hour", []flow.Record{changed(own("a", 5), func(r *flow.Record) { r.Hour = 1 }), all(5)},
			"never sent", "never sent",
		},
		{
			"the received bytes are wrong", []flow.Record{changed(own("a", 5), func(r *flow.Record) { r.BytesRx++ }), all(5)},
			"(P2)", "(P2)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := New()
			a, _, c := l.Enter(hour, "a", 5), l.Enter(hour, "b", 7), l.Enter(hour, "c", 9)
			l.Acknowledge(a)
			l.Refuse(c)
			for complete, want := range map[bool]string{true: tt.faults, false: tt.other} {
				got := strings.Join(l.Judge(hour, l.Owed(hour), tt.answer, complete), "; ")
				if (got == "") != (want == "") || !strings.Contains(got, want) {
					t.Errorf("Judge(%v), complete %t = %q, want %q", tt.answer, complete, got, want)
				}
			}
		})
	}
}

func TestABatchThatACompleteReadShowedIsOwedToTheNext(t *testing.T) {
	l := New()
	b := l.Enter(hour, "a", 5)
	before := l.Owed(hour)
	if faults := l.Judge(hour, nil, b.Records(), false); faults != nil || l.Owed(hour) != nil {
		t.Fatalf("Judge of an unproven read = %q, and %v is owed, want nothing", faults, l.Owed(hour))
	}
	if faults := l.Judge(hour, before, b.Records(), true); faults != nil {
		t.Fatal(faults)
	}
	if faults := l.Judge(hour, before, nil, true); faults != nil {
		t.Errorf("Judge of a read that began before = %q, want no fault", faults)
	}
	if faults := l.Judge(hour, l.Owed(hour), nil, true); len(faults) != 1 || !strings.Contains(faults[0], "acknowledged false (P4)") {
		t.Errorf("Judge of a later read without the batch = %q, want one fault", faults)
	}
}

// An answer of enough replicas shows everything, and the next read may lack its last batches.
func TestAnUnprovenReadIsJudgedByWhatIsOwed(t *testing.T) {
	l := New()
	a, b := l.Enter(hour, "a", 5), l.Enter(hour, "b", 7)
	l.Acknowledge(a)
	if faults := l.JudgeUnproven(hour, l.Owed(hour), answer(12, a, b)); faults != nil {
		t.Errorf("JudgeUnproven of both batches = %q, want no fault", faults)
	}
	if faults := l.JudgeUnproven(hour, l.Owed(hour), answer(5, a)); faults != nil {
		t.Errorf("JudgeUnproven of the acknowledged batch = %q, want no fault", faults)
	}
	faults := l.JudgeUnproven(hour, l.Owed(hour), answer(7, b))
	if len(faults) != 1 || !strings.Contains(faults[0], "an unproven read of hour 480000 lacks batch a, acknowledged true (P4)") {
		t.Errorf("JudgeUnproven without the acknowledged batch = %q, want one fault", faults)
	}
}

// answer returns the records of batches, with their shared flow.
func answer(shared int64, batches ...*Batch) []flow.Record {
	records := []flow.Record{all(shared)}
	for _, b := range batches {
		records = append(records, own(b.Name, b.Weight))
	}
	return records
}

func TestALedgerCounts(t *testing.T) {
	l := New()
	first := l.Enter(hour, "a", 5)
	l.Enter(hour-1, "a", 5)
	l.Acknowledge(first)
	l.Acknowledge(first)
	if l.Sent() != 2 || l.Acknowledged() != 1 || len(l.Owed(hour)) != 1 || len(l.Hours()) != 2 || l.Hours()[0] != hour-1 {
		t.Errorf("%d sent, %d acknowledged, hours %v, want 2, 1 and two hours in order", l.Sent(), l.Acknowledged(), l.Hours())
	}
}
