package ask

import (
	"testing"
	"time"

	"flowring/flow"
)

func TestParseHour(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 59, 59, 0, time.UTC)
	const current = flow.Hour(490923) // 2026-01-02T03:00:00Z
	for text, want := range map[string]flow.Hour{
		"0": 0, "20": 20, "-5": -5, "9223372036854775807": 1<<63 - 1,
		"now": current, "now-0": current, "now-1": current - 1, "now-24": current - 24,
	} {
		if got, err := ParseHour(text, now); got != want || err != nil {
			t.Errorf("ParseHour(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "1.5", "9223372036854775808", "now+1", "now-", "now--1", "now1", "nowadays", "NOW"} {
		if got, err := ParseHour(text, now); err == nil {
			t.Errorf("ParseHour(%q) = %d, want an error", text, got)
		}
	}
}
