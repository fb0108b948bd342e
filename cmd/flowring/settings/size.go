package settings

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// sizeValue is a number of bytes, plain or with a unit, and not below least.
type sizeValue struct {
	field *int64
	least int64
}

func (v sizeValue) Set(text string) error {
	n, err := parseSize(text)
	if err != nil {
		return err
	}
	if n < v.least {
		return fmt.Errorf("%q is not a size such as 1048576 or 32MiB", text)
	}
	*v.field = n
	return nil
}

func (v sizeValue) String() string { return formatSize(*v.field) }
func (v sizeValue) Type() string   { return "size" }

// parseSize reads a number of bytes such as 4096, 32MiB or 10 MB, in any case of letters.
func parseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "BKMGTIbkmgti ")
	n, err := strconv.ParseInt(digits, 10, 64)
	unit, known := sizeUnit(strings.TrimSpace(text[len(digits):]))
	if err != nil || !known || n < 0 {
		return 0, fmt.Errorf("%q is not a size such as 1048576 or 32MiB", text)
	}
	if n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is over 2^63-1 bytes", text)
	}
	return n * unit, nil
}

// sizeUnit returns the bytes of a unit. K, M and G are no units, because their meaning is either 1000 or 1024.
func sizeUnit(name string) (int64, bool) {
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

// formatSize writes n with the largest binary unit that divides it.
func formatSize(n int64) string {
	for _, name := range []string{"GiB", "MiB", "KiB"} {
		if unit, _ := sizeUnit(name); n != 0 && n%unit == 0 {
			return strconv.FormatInt(n/unit, 10) + name
		}
	}
	return strconv.FormatInt(n, 10)
}
