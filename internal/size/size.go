package size

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Parse reads a number of bytes such as 4096, 32MiB or 10 MB, in any case of letters.
func Parse(text string) (int64, error) {
	digits := strings.TrimRight(text, "BKMGTIbkmgti ")
	n, err := strconv.ParseInt(digits, 10, 64)
	unit, known := unitOf(strings.TrimSpace(text[len(digits):]))
	if err != nil || !known || n < 0 {
		return 0, fmt.Errorf("%q is not a size such as 1048576 or 32MiB", text)
	}
	if n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is over 2^63-1 bytes", text)
	}
	return n * unit, nil
}

// unitOf returns the bytes of a unit. K, M and G are no units, because their meaning is either 1000 or 1024.
func unitOf(name string) (int64, bool) {
	switch strings.ToLower(name) {
	case "", "b":
		return 1, true
	case "kib":
		return 1 << 10, true
	case "mib":
		return 1 << 20, true
	case "gib":
		return 1 << 30, true
	case "kb":
		return 1e3, true
	case "mb":
		return 1e6, true
	case "gb":
		return 1e9, true
	}
	return 0, false
}

// Format writes n with the largest binary unit that divides it.
func Format(n int64) string {
	for _, name := range [...]string{"GiB", "MiB", "KiB"} {
		if unit, _ := unitOf(name); n != 0 && n%unit == 0 {
			return strconv.FormatInt(n/unit, 10) + name
		}
	}
	return strconv.FormatInt(n, 10)
}
