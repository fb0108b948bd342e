package flow

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestAnHourInAnotherUnitIsRefused(t *testing.T) {
	for _, tt := range []struct {
		hour Hour
		want string // "": the hour is accepted
	}{
		{1796031600, "1796031600 looks like seconds since 1970; its hour is 498897"},
		{1796031600_000, "1796031600000 looks like milliseconds since 1970; its hour is 498897"},
		{1796031600_000_000, "1796031600000000 looks like microseconds since 1970; its hour is 498897"},
		{1796031600_000_000_000, "1796031600000000000 looks like nanoseconds since 1970; its hour is 498897"},
		{498897, ""},
		{20, ""},
		{0, ""},
		{-1796031600, ""},
		{math.MinInt64, ""},
		{math.MaxInt64, ""},
	} {
		body := []byte("[" + good + "," + with("20", tt.hour.String()) + "]")
		p, err := Decode(body)
		var refused *RecordError
		if errors.As(err, &refused) != (tt.want != "") || refused != nil && *refused != (RecordError{Index: 1, Field: "hour", Reason: tt.want}) {
			t.Errorf("Decode of hour %d = %+v, %v, want record 1 refused: %q", tt.hour, p, err, tt.want)
		}
		if p, err := (&Decoder{Leniency: Leniency{AnyHour: true}}).Decode(body); err != nil || p.Records != 2 {
			t.Errorf("Decode of any hour %d = %+v, %v, want 2 records", tt.hour, p, err)
		}
	}
}

// The refusal has the index of the first record with the hour, wherever and in whichever form it is.
func TestAnHourInAnotherUnitIsRefusedAtItsFirstRecord(t *testing.T) {
	wrong := with("20", "1796031600")
	for name, tt := range map[string]struct {
		body  string
		index int
	}{
		"after others of the same shape": {strings.Repeat(good+",", 50) + wrong + "," + wrong, 50},
		"after an escaped name":          {with("foo", `f\u006fo`) + "," + wrong, 1},
		"with an escaped name":           {good + "," + with("20", "1796031600", "foo", `f\u006fo`), 1},
		"before broken JSON":             {wrong + ",{", 0},
	} {
		_, err := Decode([]byte("[" + tt.body + "]"))
		want := fmt.Sprintf("record %d: field \"hour\": 1796031600 looks like seconds since 1970; its hour is 498897", tt.index)
		if err == nil || err.Error() != want {
			t.Errorf("%s: Decode = %v, want %s", name, err, want)
		}
	}
}

// A sender that writes a time for the hour reads the number in the refusal. A time is a valid name.
func TestATimeForAnHourIsRefusedWithItsNumber(t *testing.T) {
	const at = "2026-11-30T10:15:00+01:00"
	for name, tt := range map[string]struct{ body, want string }{
		"a time":           {with("20", `"`+at+`"`), wantHour + `, got "` + at + `"; its hour is 498897`},
		"a number in text": {with("20", `"20"`), wantHour + `, got "20"; write the number without quotes`},
		"a date":           {with("20", `"2026-11-30"`), wantHour + `, got "2026-11-30"; write the number without quotes`},
		"a time as bytes":  {with("100", `"`+at+`"`), wantBytes + `, got "` + at + `"; write the number without quotes`},
		"a time as a name": {with("foo", at), ""},
	} {
		_, err := Decode([]byte("[" + tt.body + "]"))
		var refused *RecordError
		if errors.As(err, &refused); (err == nil) != (tt.want == "") || refused != nil && refused.Reason != tt.want {
			t.Errorf("%s: Decode = %v, want %q", name, err, tt.want)
		}
	}
}
