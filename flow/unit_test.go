package flow

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestAnHourThatLooksLikeAnotherUnitIsRefused(t *testing.T) {
	for _, tt := range []struct {
		hour Hour
		want string // "": it is taken
	}{
		{1796031600, "1796031600 looks like seconds since 1970; its hour is 498897"},
		{1796031600_000, "1796031600000 looks like milliseconds since 1970; its hour is 498897"},
		{1796031600_000_000, "1796031600000000 looks like microseconds since 1970; its hour is 498897"},
		{1796031600_000_000_000, "1796031600000000000 looks like nanoseconds since 1970; its hour is 498897"},
		{498897 * 3600, "1796029200 looks like seconds since 1970; its hour is 498897"},
		{1796035199, "1796035199 looks like seconds since 1970; its hour is 498898"},
		{946684800, "946684800 looks like seconds since 1970; its hour is 262968"},
		{4102444799, "4102444799 looks like seconds since 1970; its hour is 1139567"},
		{4102444799_999, "4102444799999 looks like milliseconds since 1970; its hour is 1139567"},
		{946684799, ""},
		{4102444800, ""},
		{946684799_999, ""},
		{4102444800_000, ""},
		{946684799_999_999_999, ""},
		{4102444800_000_000_000, ""},
		{498897, ""},
		{20, ""},
		{0, ""},
		{29933860, ""}, // minutes since 1970
		{-1796031600, ""},
		{math.MinInt64, ""},
		{math.MaxInt64, ""},
	} {
		if got := unitFault(tt.hour); got != tt.want {
			t.Errorf("unitFault(%d) = %q, want %q", tt.hour, got, tt.want)
		}
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

// The number of the record is right wherever the first record of the hour stands, and however it is written.
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
