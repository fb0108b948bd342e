package roster

import "testing"

func BenchmarkMerge(b *testing.B) {
	r := rosterOf(64)
	o := r.With(Store{ID: r.stores[40].ID, Forgotten: true})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Merge(o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	r := rosterOf(64)
	b.ReportAllocs()
	for b.Loop() {
		r.Hash()
	}
}
