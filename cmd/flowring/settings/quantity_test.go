package settings

import (
	"testing"
)

func TestQuantities(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "50k": 50_000, "50K": 50_000, "1M": 1_000_000, "2G": 2_000_000_000, "1.001k": 1001, "1e3": 1000, "-5": -5, "-5k": -5000,
		"9007199254740992": 1 << 53,
	} {
		var n int64
		if err := (quantity[int64]{&n}).Set(text); err != nil || n != want {
			t.Errorf("Set(%q) = %v with %d, want %d", text, err, n, want)
		}
	}
	for _, text := range []string{"", "k", "50kk", "k50", "50 k", "50m", "50kB", "5k0", "1e3k", "0.5", "1.0001k", "NaN", "inf", "9007199254740993k", "50,000"} {
		n := int64(7)
		if err := (quantity[int64]{&n}).Set(text); err == nil || n != 7 {
			t.Errorf("Set(%q) = nil with %d, want an error and no change", text, n)
		}
	}
	var rate float64
	if err := (quantity[float64]{&rate}).Set("2.5"); err != nil || rate != 2.5 {
		t.Errorf("Set of a rate = %v with %v, want 2.5", err, rate)
	}
}
