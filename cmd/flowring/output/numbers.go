package output

import (
	"fmt"
	"strings"
)

// Many returns a number with its noun, such as "2 flows" or "2 batches".
func Many[N int | int64 | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "ch") {
		noun += "e"
	}
	return Exact(n) + " " + noun + "s"
}

// Grouped returns a number without its fraction, in groups of three digits.
func Grouped(n float64) string { return Exact(int64(n + .5)) }

// Exact returns a whole number in groups of three digits.
func Exact[N int | int64 | uint64](n N) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Millis returns milliseconds with three significant digits.
func Millis(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}
