package replica

import (
	"errors"
	"testing"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/store"
	"flowring/store/limits"
)

// keyed returns a posting with a key: one flow of tx bytes in each hour.
func keyed(t testing.TB, key string, tx int64, hours ...flow.Hour) *flow.Posting {
	t.Helper()
	var in []flow.Slice
	for _, hour := range hours {
		in = append(in, flow.Slice{Hour: hour})
	}
	p := posting(t, tx, in...)
	p.Identify("", key)
	return p
}

// An owner refuses a remembered key with other content, for another hour too, and takes a repetition.
func TestARememberedKeyIsRefusedWithOtherContent(t *testing.T) {
	for _, tt := range []struct {
		name string
		keys int
		p    *flow.Posting
		want error
	}{
		{"the same posting", 100, keyed(t, "k", 1, 1, 2), nil},
		{"the same hours with other content", 100, keyed(t, "k", 2, 1, 2), contract.KeyReused},
		{"one of the hours alone", 100, keyed(t, "k", 1, 1), contract.KeyReused},
		{"another hour", 100, keyed(t, "k", 1, 3), contract.KeyReusedElsewhere},
		{"several other hours", 100, keyed(t, "k", 1, 3, 4), contract.KeyReusedElsewhere},
		{"another key", 100, keyed(t, "l", 1, 3), nil},
		{"no key", 100, posting(t, 1, flow.Slice{Hour: 3}), nil},
		{"another hour where no key is remembered", 0, keyed(t, "k", 1, 3), nil},
	} {
		r := newWorld("a").replicas(t, Config{Copies: 1, Quorum: 1, Keys: tt.keys})
		if _, err := r.Submit(t.Context(), keyed(t, "k", 1, 1, 2)); err != nil {
			t.Fatal(err)
		}
		before := r.Store.Stats().Applied
		_, err := r.Submit(t.Context(), tt.p)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: Submit = %v, want %v", tt.name, err, tt.want)
		}
		if after := r.Store.Stats().Applied; tt.want != nil && after != before {
			t.Errorf("%s: %d batches are stored, want none of a refused posting (P3)", tt.name, after-before)
		}
		if _, refused := r.KeysRemembered(); (refused > 0) != (tt.want == contract.KeyReusedElsewhere) {
			t.Errorf("%s: %d refusals are counted, want them to go with %v", tt.name, refused, tt.want)
		}
	}
}

// The owner remembers a key once the request is admitted, so a refused request leaves its key free.
func TestARefusedPostingLeavesItsKeyFree(t *testing.T) {
	w := newWorld("a")
	w.sites["a"].held = store.New(store.Config{Limits: limits.Limits{Flows: 1}}, store.Deps{Journal: newMemory()})
	r := w.replicas(t, Config{Copies: 1, Quorum: 1, Keys: 100})
	p, err := flow.AddUp([]flow.Record{{Key: flow.Key{SrcApp: "a", DestApp: "b", VPCID: "v"}}, {Key: flow.Key{SrcApp: "b", DestApp: "a", VPCID: "v"}}})
	if err != nil {
		t.Fatal(err)
	}
	p.Identify("", "k")
	if _, err := r.Submit(t.Context(), p); !errors.Is(err, contract.TooManyFlows) {
		t.Fatalf("Submit = %v, want %v", err, contract.TooManyFlows)
	}
	if _, err := r.Submit(t.Context(), keyed(t, "k", 1, 2)); err != nil {
		t.Errorf("Submit of the corrected request = %v, want nil", err)
	}
}

// The memory of keys does not refuse the rest of a posting of which a part is stored: only the whole posting is right
// (P3).
func TestTheMemoryOfKeysDoesNotLeaveAPostingInPieces(t *testing.T) {
	r := newWorld("a").replicas(t, Config{Copies: 1, Quorum: 1, Keys: 100})
	p := keyed(t, "k", 1, 1, 2)
	part := *p.Batches[0]
	part.Dot = dot(1)
	if _, err := r.Admit(t.Context(), true, written(&part)); err != nil { // an attempt that stored no more
		t.Fatal(err)
	}
	r.keys.Remember(keyed(t, "k", 9, 7).Batches[0])
	if _, err := r.Submit(t.Context(), p); err != nil {
		t.Errorf("Submit of a posting that is stored in part = %v, want nil", err)
	}
	if n := len(r.Store.Slices()); n != 2 {
		t.Errorf("%d hours are stored, want both of the posting", n)
	}
}
