package settings

import (
	"fmt"

	"flowring/internal/size"
)

// sizeValue is a number of bytes, plain or with a unit, and not below least.
type sizeValue struct {
	field *int64
	least int64
}

func (v sizeValue) Set(text string) error {
	n, err := size.Parse(text)
	if err != nil {
		return err
	}
	if n < v.least {
		return fmt.Errorf("%q is not a size such as 1048576 or 32MiB", text)
	}
	*v.field = n
	return nil
}

func (v sizeValue) String() string { return size.Format(*v.field) }
func (v sizeValue) Type() string   { return "size" }
