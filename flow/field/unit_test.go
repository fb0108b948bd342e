package field

import (
	"math"
	"testing"
)

func TestAnHourInAnotherUnitHasAFault(t *testing.T) {
	for _, tt := range []struct {
		hour int64
		want string // "": the hour is accepted
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
		if got := UnitFault(tt.hour); got != tt.want {
			t.Errorf("UnitFault(%d) = %q, want %q", tt.hour, got, tt.want)
		}
	}
}
