package roster

import "testing"

// The proven quorum with more changes wins. Of two with the same number the smaller one wins, because it claims less (P4).
func TestTheLaterProvenQuorumCounts(t *testing.T) {
	for _, tt := range []struct{ a, b, want Quorum }{
		{Quorum{}, Quorum{1, 3}, Quorum{1, 3}},
		{Quorum{1, 3}, Quorum{2, 1}, Quorum{2, 1}},
		{Quorum{1, 1}, Quorum{2, 3}, Quorum{2, 3}},
		{Quorum{2, 1}, Quorum{2, 3}, Quorum{2, 1}},
	} {
		if ab, ba := tt.a.merge(tt.b), tt.b.merge(tt.a); ab != tt.want || ba != tt.want {
			t.Errorf("merge of %v and %v = %v and %v, want %v", tt.a, tt.b, ab, ba, tt.want)
		}
	}
}
