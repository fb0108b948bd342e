package membership

import (
	"errors"
	"strings"
	"testing"
)

// The proven quorum falls with W and with the word of other stores, rises with a proof, and is in the folder (P4).
func TestTheProvenQuorumIsTheLowestWSinceTheLastProof(t *testing.T) {
	const none = ""
	hear := func(lowest int) func(*Quorum) error { return func(q *Quorum) error { return q.Hear(lowest) } }
	start := func(*Quorum) error { return nil }
	for _, tt := range []struct {
		name     string
		folder   string // proven quorum in it; "": none
		identity string // "": the folder is empty
		write    int
		steps    []func(*Quorum) error
		want     string // in the folder afterwards
		lowered  bool   // writes may begin
	}{
		{"an empty folder", none, "", 3, nil, "2", true},
		{"an empty folder, W is 1", none, "", 1, nil, "1", true},
		{"the founder", none, "", 3, []func(*Quorum) error{(*Quorum).Prove}, "3", true},
		{"a new store hears W", none, "", 3, []func(*Quorum) error{hear(0), hear(3)}, "3", true},
		{"a new store hears less than W", none, "", 3, []func(*Quorum) error{hear(2), hear(3)}, "2", true},
		{"a folder of an earlier program", none, "id", 3, nil, "3", true},
		{"the same W", "2", "id", 2, []func(*Quorum) error{hear(2)}, "2", true},
		{"W has risen", "2", "id", 3, []func(*Quorum) error{(*Quorum).Lower, hear(3)}, "2", true},
		{"W has risen, with a proof", "2", "id", 3, []func(*Quorum) error{(*Quorum).Prove, hear(2)}, "3", true},
		{"W has fallen", "3", "id", 1, []func(*Quorum) error{start}, "3", false},
		{"W has fallen, and the node is ready", "3", "id", 1, []func(*Quorum) error{(*Quorum).Lower}, "1", true},
		{"another store ran with a lower W", "3", "id", 3, []func(*Quorum) error{hear(2)}, "2", true},
	} {
		d := &diary{states: map[string][]byte{}}
		if tt.folder != "" {
			d.states[keyQuorum] = []byte(tt.folder)
		}
		if tt.identity != "" {
			d.states[keyIdentity] = []byte(tt.identity)
		}
		q, err := OpenQuorum(d, tt.write, false)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		for _, step := range tt.steps {
			if err := step(q); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		if got := string(d.states[keyQuorum]); got != tt.want || q.Lowered() != tt.lowered {
			t.Errorf("%s: the folder has %s, lowered: %t, want %s and %t", tt.name, got, q.Lowered(), tt.want, tt.lowered)
		}
	}
}

// A W of more than one above the proven quorum, and a value that is no number, are refused.
func TestAWriteQuorumTooFarAboveTheProvenOneIsRefused(t *testing.T) {
	for _, tt := range []struct {
		folder string
		write  int
		want   string // part of the error
	}{
		{"1", 3, "the write quorum is 3, and batches in this cluster may be on 1 stores only: start all nodes with a write quorum of 2"},
		{"2", 4, "with a write quorum of 3, wait until flowring_write_quorum_proven is 3"},
		{"0", 1, "is no number of stores"},
		{"x", 1, "is no number of stores"},
	} {
		d := &diary{states: map[string][]byte{keyQuorum: []byte(tt.folder)}}
		if _, err := OpenQuorum(d, tt.write, false); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("OpenQuorum(%s, %d) = %v, want %q", tt.folder, tt.write, err, tt.want)
		}
	}
	if _, err := OpenQuorum(&diary{fail: errors.New("broken")}, 1, false); err == nil {
		t.Error("OpenQuorum of a broken journal = nil, want its error")
	}
}
