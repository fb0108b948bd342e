package size

import "testing"

func TestParse(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "4096": 4096, "10B": 10, "32MiB": 32 << 20, "32mib": 32 << 20, "1 KiB": 1024, "2GiB": 2 << 30, "5kB": 5000,
		"5MB": 5e6, "1GB": 1e9, "9223372036854775807": 1<<63 - 1,
		"": 0, "-1": 0, "MiB": 0, "1.5MiB": 0, "1M": 0, "1MiB/s": 0, "8589934592GiB": 0, "9223372036854775808": 0,
	} {
		got, err := Parse(text)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("Parse(%q) = %d, %v, want %d", text, got, err, want)
		}
		if again, err := Parse(Format(want)); again != want || err != nil {
			t.Errorf("Parse(Format(%d)) = %d, %v", want, again, err)
		}
	}
}
