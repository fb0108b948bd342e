package output

import "testing"

func TestExact(t *testing.T) {
	if got := Exact(uint64(1<<64 - 1)); got != "18,446,744,073,709,551,615" {
		t.Errorf("Exact(2^64-1) = %s", got)
	}
	if got := Many(uint64(1<<53+1), "byte"); got != "9,007,199,254,740,993 bytes" {
		t.Errorf("Many(2^53+1) = %s", got)
	}
	if got := Many(1, "batch") + ", " + Many(2, "batch"); got != "1 batch, 2 batches" {
		t.Errorf("one and two batches are %q", got)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 999.4: "999", 999.5: "1,000", 123456: "123,456", 1234567: "1,234,567"} {
		if got := Grouped(n); got != want {
			t.Errorf("Grouped(%v) = %s, want %s", n, got, want)
		}
	}
}
