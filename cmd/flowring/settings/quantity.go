package settings

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// quantity is a number of a flag: 50k is 50000, 1.5M is 1500000, 2G is 2000000000.
type quantity[N int | int64 | float64] struct{ field *N }

// QuantityVar adds a quantity flag. The current value of field is its default.
func QuantityVar[N int | int64 | float64](f *pflag.FlagSet, field *N, name, usage string) {
	f.Var(quantity[N]{field}, name, usage)
}

func (q quantity[N]) Set(text string) error {
	n, err := strconv.ParseFloat(strings.NewReplacer("k", "e3", "K", "e3", "M", "e6", "G", "e9").Replace(text), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return fmt.Errorf("%q is not a number such as 50000 or 50k", text)
	}
	if _, fraction := any(N(0)).(float64); !fraction && (n != math.Trunc(n) || math.Abs(n) > 1<<53) {
		return fmt.Errorf("%q is not a whole number such as 50000 or 50k", text)
	}
	*q.field = N(n)
	return nil
}

func (q quantity[N]) String() string { return strconv.FormatFloat(float64(*q.field), 'f', -1, 64) }
func (q quantity[N]) Type() string   { return "number" }
