package replica

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/limits"
)

// mapped is posting with the identity of a preset's body. content is the result of the mapping.
func mapped(t testing.TB, content byte, tx int64, in ...flow.Slice) *flow.Posting {
	t.Helper()
	p := posting(t, tx, in...)
	p.IdentifyByKey("agent", "request-1", [32]byte{content})
	return p
}

// sum returns the bytes of a slice at a site.
func (s *site) sum(t testing.TB, in flow.Slice) (tx int64) {
	t.Helper()
	reading, err := s.held.Read(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, totals := range reading.Columns() {
		for _, flow := range totals {
			tx += flow.BytesTx
		}
	}
	return tx
}

// TestOfAPresetsBodyTheKeyAndTheHourDecide: the mapping changes between two attempts of one request (P2).
func TestOfAPresetsBodyTheKeyAndTheHourDecide(t *testing.T) {
	w := newWorld("a")
	first, second := w.sliceOf(t, "a"), flow.Slice{Hour: 30000}
	r := w.replicas(t, Config{Copies: 1, Quorum: 1, Keys: 1000})
	for _, step := range []struct {
		name     string
		posting  *flow.Posting
		replayed bool
		held     int64
	}{
		{"the first attempt stores one hour", mapped(t, 1, 5, first), false, 0},
		{"the same again", mapped(t, 1, 5, first), true, 0},
		{"an hour that is held with other content counts as stored, and another hour is stored", mapped(t, 2, 7, first, second), false, 1},
		{"both again", mapped(t, 2, 7, first, second), true, 2},
		{"both with a third content", mapped(t, 3, 9, first, second), true, 4},
	} {
		replayed, err := r.Submit(t.Context(), step.posting)
		if err != nil || replayed != step.replayed || r.HeldByKey() != step.held {
			t.Errorf("%s: replayed %v, err %v, %d held; want %v and %d", step.name, replayed, err, r.HeldByKey(), step.replayed, step.held)
		}
	}
	if got, then := w.sites["a"].sum(t, first), w.sites["a"].sum(t, second); got != 5 || then != 7 {
		t.Errorf("sums = %d and %d, want 5 and 7", got, then)
	}
}

// TestABatchThatIsHeldInPlaceOfAnotherIsOnWStores: a first attempt reaches its owner alone and fails. The second one is
// mapped otherwise. Its success promises that the first one is on W stores (P1).
func TestABatchThatIsHeldInPlaceOfAnotherIsOnWStores(t *testing.T) {
	for _, control := range []bool{false, true} {
		w := newWorld("a", "b")
		s := w.sliceOf(t, "a", "b")
		cfg := Config{Copies: 2, Quorum: 2}
		if control {
			cfg.Disabled = safeguard.HeldCopies
		}
		r := w.replicas(t, cfg)
		w.sites["b"].fail = errRefused
		if _, err := r.Submit(t.Context(), mapped(t, 1, 5, s)); !errors.As(err, new(*contract.UnavailableError)) {
			t.Fatalf("first attempt = %v, want unavailable", err)
		}
		if _, err := r.Submit(t.Context(), mapped(t, 2, 7, s)); !control && !errors.As(err, new(*contract.UnavailableError)) {
			t.Errorf("second attempt while b is away = %v, want unavailable", err)
		}
		w.sites["b"].fail = nil
		if _, err := r.Submit(t.Context(), mapped(t, 2, 7, s)); err != nil {
			t.Fatalf("third attempt = %v", err)
		}
		want := int64(5)
		if control {
			want = 0
		}
		if got := w.sites["b"].sum(t, s); got != want {
			t.Errorf("without the safeguard %v: b has %d bytes, want %d", control, got, want)
		}
	}
}

// TestOfTwoAttemptsAtOnceOneCounts: a retry may reach the owner while the first attempt is under way (P2).
func TestOfTwoAttemptsAtOnceOneCounts(t *testing.T) {
	w := newWorld("a")
	s := w.sliceOf(t, "a")
	r := w.replicas(t, Config{Copies: 1, Quorum: 1})
	var attempts sync.WaitGroup
	for content := range byte(8) {
		attempts.Go(func() {
			if _, err := r.Submit(t.Context(), mapped(t, content, 3, s)); err != nil {
				t.Errorf("attempt %d = %v", content, err)
			}
		})
	}
	attempts.Wait()
	if got := w.sites["a"].sum(t, s); got != 3 {
		t.Errorf("sum = %d, want 3", got)
	}
}

// TestUntilAllStoresKnowTheCallAHeldKeyIsNoRefusal: senders drop a batch after a 422, and repeat it after a 503 (P3).
func TestUntilAllStoresKnowTheCallAHeldKeyIsNoRefusal(t *testing.T) {
	w := newWorld("a")
	w.version = 2
	s := w.sliceOf(t, "a")
	r := w.replicas(t, Config{Copies: 1, Quorum: 1})
	if _, err := r.Submit(t.Context(), mapped(t, 1, 5, s)); err != nil {
		t.Fatal(err)
	}
	if replayed, err := r.Submit(t.Context(), mapped(t, 1, 5, s)); err != nil || !replayed {
		t.Errorf("the same again = %v, %v", replayed, err)
	}
	_, err := r.Submit(t.Context(), mapped(t, 2, 7, s))
	var unavailable *contract.UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(unavailable.Reason, "version 3") {
		t.Errorf("with another mapping = %v, want unavailable", err)
	}
}

// TestALimitRefusesAPresetsBody: nothing of the refused part is stored, and other parts may be.
func TestALimitRefusesAPresetsBody(t *testing.T) {
	w := newWorld("a")
	w.sites["a"].held = store.New(store.Config{Limits: limits.Limits{Slices: 1}}, store.Deps{Journal: newMemory()})
	s := w.sliceOf(t, "a")
	r := w.replicas(t, Config{Copies: 1, Quorum: 1})
	if _, err := r.Submit(t.Context(), mapped(t, 1, 5, s)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Submit(t.Context(), mapped(t, 1, 5, flow.Slice{Hour: 30000})); !errors.Is(err, contract.TooManyHours) {
		t.Errorf("an hour beyond the limit = %v, want too many hours", err)
	}
}

// closedHours returns slices of two closed hours that are placed on these nodes.
func (w *world) closedHours(t testing.TB, on ...string) (first, second flow.Slice) {
	t.Helper()
	first = w.sliceOf(t, on...)
	for second = (flow.Slice{Hour: first.Hour + 1}); !slices.Equal(w.Ring().Candidates(second)[:len(on)], on); second.Hour++ {
	}
	w.roster = w.roster.WithVersion(3).WithFloors(roster.Floors{Closed: second.Hour + 1})
	return first, second
}

// TestAHeldBatchOfAClosedHourIsOnWStores: the hour closes between a first attempt, which reaches its owner alone, and a
// second one, which is mapped otherwise. The success of the second one promises that the first one is on W stores (P1).
func TestAHeldBatchOfAClosedHourIsOnWStores(t *testing.T) {
	w := newWorld("a", "b")
	stored, lacking := w.closedHours(t, "a", "b")
	first := mapped(t, 1, 5, stored).Batches[0]
	first.Dot = dot(1)
	w.sites["a"].put(t, first)
	r := w.replicas(t, Config{Copies: 2, Quorum: 2})
	if replayed, err := r.Submit(t.Context(), mapped(t, 2, 7, stored, lacking)); err != nil || replayed || r.HeldByKey() != 1 {
		t.Fatalf("second attempt = %t, %v, %d held, want stored, and 1", replayed, err, r.HeldByKey())
	}
	for name, s := range w.sites {
		if got, then := s.sum(t, stored), s.sum(t, lacking); got != 5 || then != 7 {
			t.Errorf("%s has %d and %d bytes, want 5 of the first attempt and 7 of the second", name, got, then)
		}
	}
}

// TestOfTwoLateAttemptsAtOnceOneCounts: attempts of a known request store the part of a closed hour at once (P2).
func TestOfTwoLateAttemptsAtOnceOneCounts(t *testing.T) {
	w := newWorld("a")
	lacking, _ := w.closedHours(t, "a")
	r := w.replicas(t, Config{Copies: 1, Quorum: 1})
	var attempts sync.WaitGroup
	for content := range byte(8) {
		b := mapped(t, content, 3, lacking).Batches[0]
		b.Dot = dot(uint64(content))
		attempts.Go(func() {
			if _, err := r.submitKnownByKey(t.Context(), written(b)); err != nil {
				t.Errorf("attempt %d = %v", content, err)
			}
		})
	}
	attempts.Wait()
	if got := w.sites["a"].sum(t, lacking); got != 3 {
		t.Errorf("sum = %d, want 3", got)
	}
}
