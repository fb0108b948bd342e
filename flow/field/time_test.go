package field

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestATimeHasAnHour(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"2026-11-30T09:15:00Z", 498897, true},
		{"2026-11-30T09:59:59.999999999Z", 498897, true},
		{"2026-11-30t09:15:00z", 498897, true},
		{"2026-11-30T10:15:00+01:00", 498897, true},
		{"2026-11-30T03:45:00-05:30", 498897, true},
		{"1970-01-01T00:00:00Z", 0, true},
		{"1969-12-31T23:59:59Z", -1, true},
		{"2016-12-31T23:59:60Z", 412007, true},
		{"2000-02-29T00:00:00Z", 264384, true},
		{"0000-01-01T00:00:00Z", -17268672, true},
		{"9999-12-31T23:59:59Z", 70389527, true},
		{"2026-11-30T09:15:00", 0, false},
		{"2026-11-30T09:15Z", 0, false},
		{"2026-11-30", 0, false},
		{"2026-13-30T09:15:00Z", 0, false},
		{"2026-02-29T09:15:00Z", 0, false},
		{"2026-12-32T09:15:00Z", 0, false},
		{"2026-11-00T09:15:00Z", 0, false},
		{"2026-11-30T24:00:00Z", 0, false},
		{"2026-11-30T09:15:00.Z", 0, false},
		{"2026-11-30T09:15:00+01", 0, false},
		{"2026-11-30T09:15:00+24:00", 0, false},
		{"2026-11-30T09:15:00+01:60", 0, false},
		{"2026-11-30T09:15:00Z ", 0, false},
		{"+026-11-30T09:15:00Z", 0, false},
		{"", 0, false},
		{"498897", 0, false},
	} {
		if got, ok := HourOfTime(tt.text); got != tt.want || ok != tt.ok {
			t.Errorf("HourOfTime(%q) = %d, %t, want %d, %t", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestHourOfTimeAgreesWithPackageTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := time.Unix(rapid.Int64Range(-62167219200, 253402300799).Draw(rt, "second"), 0).In(time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(rt, "offset")))
		if at.Year() < 0 || at.Year() > 9999 {
			return
		}
		text := at.Format(time.RFC3339)
		want := at.Unix() / 3600
		if at.Unix()%3600 < 0 {
			want--
		}
		if got, ok := HourOfTime(text); !ok || got != want {
			rt.Errorf("HourOfTime(%s) = %d, %t, want %d", text, got, ok, want)
		}
	})
}
