package flow

import (
	"fmt"
	"testing"
)

// identified returns the posting of records under a principal and a key.
func identified(t *testing.T, principal, key string, records ...Record) *Posting {
	t.Helper()
	p := mustAddUp(t, records)
	p.Identify(principal, key)
	return p
}

func TestTheSamePostingHasTheSameIDs(t *testing.T) {
	one := []Record{rec(1, "a", "b", "v", 3, 4), rec(2, "a", "b", "v", 3, 4)}
	a, b := identified(t, "p", "k", one...), identified(t, "p", "k", one...)
	a.Batches[0].Dot, a.Batches[0].Slice.Index = Dot{7, 7}, 3
	a.Identify("p", "k")
	for i := range a.Batches {
		if a.Batches[i].ID != b.Batches[i].ID || a.Batches[i].Key != b.Batches[i].Key {
			t.Errorf("batch %d: ID %v, Key %v, want %v, %v", i, a.Batches[i].ID, a.Batches[i].Key, b.Batches[i].ID, b.Batches[i].Key)
		}
	}
}

func TestAnotherPostingHasOtherIDs(t *testing.T) {
	r := rec(1, "a", "b", "v", 3, 4)
	base := identified(t, "pp", "k", r).Batches[0]
	for name, c := range map[string]struct {
		p       *Posting
		sameKey bool
	}{
		"another key":                            {identified(t, "pp", "l", r), false},
		"another principal":                      {identified(t, "q", "k", r), false},
		"a border moved":                         {identified(t, "p", "pk", r), false},
		"principal and key swapped":              {identified(t, "k", "pp", r), false},
		"another hour":                           {identified(t, "pp", "k", rec(2, "a", "b", "v", 3, 4)), true},
		"other bytes":                            {identified(t, "pp", "k", rec(1, "a", "b", "v", 3, 5)), true},
		"another name":                           {identified(t, "pp", "k", rec(1, "a", "b", "w", 3, 4)), true},
		"another batch beside it in the posting": {identified(t, "pp", "k", r, rec(9, "a", "b", "v", 1, 1)), true},
		"another batch before it in the posting": {identified(t, "pp", "k", rec(0, "a", "b", "v", 3, 4), r), true},
		"the border of two names moved":          {identified(t, "pp", "k", rec(1, "ab", "v", "v", 3, 4)), true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, b := range c.p.Batches {
				if b.ID == base.ID {
					t.Errorf("ID = %v, want another than that of the first posting", b.ID)
				}
				if (b.Key == base.Key) != c.sameKey {
					t.Errorf("Key = %v, first %v, want them equal: %t", b.Key, base.Key, c.sameKey)
				}
			}
		})
	}
}

func TestBatchesOfOnePostingHaveDistinctIDs(t *testing.T) {
	p := identified(t, "p", "k", rec(1, "a", "b", "v", 3, 4), rec(2, "a", "b", "v", 3, 4))
	one, two := p.Batches[0], p.Batches[1]
	if one.ID == two.ID || one.ID.IsZero() || one.Key != two.Key || one.Key.IsZero() || one.Key == one.ID {
		t.Errorf("IDs %v, %v, keys %v, %v, want distinct IDs and one key", one.ID, two.ID, one.Key, two.Key)
	}
}

func TestAPostingWithoutAKeyHasNoIdentity(t *testing.T) {
	b := identified(t, "p", "", rec(1, "a", "b", "v", 3, 4)).Batches[0]
	if !b.ID.IsZero() || !b.Key.IsZero() {
		t.Errorf("ID %v, Key %v, want zero", b.ID, b.Key)
	}
}

// IDs are on disks and in the retries of clients, so every version must compute the same.
func TestIDsAreTheSameForever(t *testing.T) {
	b := identified(t, "agent", "key-1", rec(20, "foo", "bar", "vpc-0", 100, 500)).Batches[0]
	if got, want := b.ID.String(), "ee359fa6e33e06ba647e7f360f95638a"; got != want {
		t.Errorf("ID = %s, want %s", got, want)
	}
	if got, want := b.Key.String(), "d77a3e84ab625c528d9565dc5c551503"; got != want {
		t.Errorf("Key = %s, want %s", got, want)
	}
}

// A retry must reach the slice of the first attempt, even after an upgrade between them (P2).
func TestKeysHaveTheSameSlicesForever(t *testing.T) {
	b := identified(t, "agent", "key-1", rec(20, "foo", "bar", "vpc-0", 100, 500)).Batches[0]
	for n, want := range map[int]uint32{1: 0, 2: 0, 3: 2, 16: 2, 256: 82} {
		if got := b.Key.Slice(n); got != want {
			t.Errorf("slice of %d = %d, want %d", n, got, want)
		}
	}
}

func TestKeysAreSpreadEvenly(t *testing.T) {
	const n, keys = 16, 16_000
	var count [n]int
	for i := range keys {
		count[identified(t, "", fmt.Sprint("run-", i), rec(20, "foo", "bar", "vpc-0", 100, 500)).Batches[0].Key.Slice(n)]++
	}
	for i, got := range count {
		if got < 850 || got > 1150 { // 1000, plus or minus five standard deviations
			t.Errorf("slice %d of %d has %d of %d keys, want about as many in each", i, n, got, keys)
		}
	}
}

// The identities of requests without a principal are on the disks of clusters: they never change (P2).
func TestTheIdentityWithoutAPrincipalStays(t *testing.T) {
	b := identified(t, "", "k", rec(1, "a", "b", "v", 3, 4)).Batches[0]
	if got, want := fmt.Sprintf("%s %s", b.ID, b.Key), "36f5e52e223236bf6e356d69f80da3b6 d348ddcd4f2d78a1188456528dab959b"; got != want {
		t.Errorf("ID and Key = %s, want %s", got, want)
	}
}

// TestTheIdentityOfAPresetsBodyIsThatOfAllItsRecords: a part that is left out because its hour is closed does not change
// the identity of the others (P2), and another mapping has another identity (P6).
func TestTheIdentityOfAPresetsBodyIsThatOfAllItsRecords(t *testing.T) {
	record := func(hour Hour, tx int64) Record {
		return Record{Key{"a", "b", "v"}, Totals{BytesTx: tx}, hour}
	}
	identified := func(content byte, principal, key string, records ...Record) *Posting {
		p, err := AddUp(records)
		if err != nil {
			t.Fatal(err)
		}
		p.IdentifyByKey(principal, key, [32]byte{content})
		return p
	}
	both := identified(1, "p", "k", record(1, 5), record(2, 6))
	second := identified(1, "p", "k", record(2, 6))
	if !both.ByKey || both.Batches[1].ID != second.Batches[0].ID || both.Batches[1].Key != second.Batches[0].Key {
		t.Errorf("identities of hour 2 = %v and %v, want one", both.Batches[1].ID, second.Batches[0].ID)
	}
	if both.Batches[0].ID == both.Batches[1].ID || both.Batches[0].Key != both.Batches[1].Key || !both.Batches[0].Posting.IsZero() {
		t.Errorf("batches of a posting = %+v", both.Batches)
	}
	plain, err := AddUp([]Record{record(2, 6)})
	if err != nil {
		t.Fatal(err)
	}
	plain.Identify("p", "k")
	for name, o := range map[string]*Posting{
		"another mapping": identified(2, "p", "k", record(2, 6)), "another principal": identified(1, "q", "k", record(2, 6)),
		"another key": identified(1, "p", "l", record(2, 6)), "a plain request": plain,
	} {
		if o.Batches[0].ID == second.Batches[0].ID {
			t.Errorf("%s has the same ID", name)
		}
		if same := o.Batches[0].Key == second.Batches[0].Key; same != (name == "another mapping") {
			t.Errorf("%s has the same key: %v", name, same)
		}
	}
}
