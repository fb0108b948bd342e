package settings

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"flowring/cmd/flowring/profile"
)

// value reads the text of a setting into its field. String is the inverse of Set, and Type is the placeholder in the
// help text. A value is a pflag.Value. A failed Set does not change the field.
type value interface {
	Set(text string) error
	String() string
	Type() string
}

// textValue is any text.
type textValue struct {
	field *string
	kind  string
}

func (v textValue) Set(text string) error { *v.field = text; return nil }
func (v textValue) String() string        { return *v.field }
func (v textValue) Type() string          { return v.kind }

// addressValue is a host:port, the host empty for all interfaces.
type addressValue struct{ field *string }

func (v addressValue) Set(text string) error {
	if err := checkAddress(text); err != nil {
		return err
	}
	*v.field = text
	return nil
}

func (v addressValue) String() string { return *v.field }
func (v addressValue) Type() string   { return "host:port" }

// debugValue is a host:port on loopback, or empty.
type debugValue struct{ field *string }

func (v debugValue) Set(text string) error {
	if text != "" {
		if err := profile.Check(text); err != nil {
			return err
		}
	}
	*v.field = text
	return nil
}

func (v debugValue) String() string { return *v.field }
func (v debugValue) Type() string   { return "host:port" }

// durationValue is a length of time.
type durationValue struct{ field *time.Duration }

func (v durationValue) Set(text string) error { return setDuration(v.field, text, "15m or 1h30m") }

// setDuration sets a length of time. such are the examples in its error.
func setDuration(field *time.Duration, text, such string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no length of time, such as %s", text, such)
	}
	*field = d
	return nil
}

func (v durationValue) String() string {
	text := v.field.String()
	for _, zero := range [...]string{"m0s", "h0m"} { // 15m, not 15m0s
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}

func (v durationValue) Type() string { return "duration" }

// ageValue is a length of time, also in days.
type ageValue struct{ field *time.Duration }

func (v ageValue) Set(text string) error {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return fmt.Errorf("%q is no number of days, such as 90d", text)
		}
		*v.field = time.Duration(n) * day
		return nil
	}
	return setDuration(v.field, text, "90d or 36h")
}

func (v ageValue) String() string {
	if days := *v.field / day; days > 0 && *v.field%day == 0 {
		return fmt.Sprintf("%dd", days)
	}
	return durationValue(v).String()
}

func (v ageValue) Type() string { return "duration" }

const day = 24 * time.Hour

// listValue is a list of texts, separated by commas. read returns the normal form of a text, or an error.
type listValue struct {
	field *[]string
	kind  string
	read  func(text string) (string, error)
}

func (v listValue) Set(text string) error {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		part, err := v.read(part)
		if err != nil {
			return err
		}
		list = append(list, part)
	}
	if len(list) == 0 && strings.Contains(text, ",") { // of names without values, as in --join "$A,$B"
		return fmt.Errorf("%q has commas and no %s", text, v.kind)
	}
	*v.field = list
	return nil
}

func (v listValue) String() string { return strings.Join(*v.field, ",") }
func (v listValue) Type() string   { return v.kind + ",..." }

// addresses is a list of host:port.
func addresses(field *[]string) listValue {
	return listValue{field, "host:port", func(text string) (string, error) { return text, checkAddress(text) }}
}

// checkAddress requires a numeric port, because the port of a service name depends on the machine.
func checkAddress(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q is not host:port", text)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is not host:port with a port from 0 to 65535", text)
	}
	return nil
}

// countValue is a whole number that is not below least.
type countValue struct {
	field *int
	least int
}

func (v countValue) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("%q is not a whole number", text)
	}
	if n < v.least {
		return fmt.Errorf("%d is less than %d", n, v.least)
	}
	*v.field = n
	return nil
}

func (v countValue) String() string { return strconv.Itoa(*v.field) }
func (v countValue) Type() string   { return "number" }

// switchValue is true or false.
type switchValue struct{ field *bool }

func (v switchValue) Set(text string) error {
	if text != "true" && text != "false" {
		return fmt.Errorf("%q is neither true nor false", text)
	}
	*v.field = text == "true"
	return nil
}

func (v switchValue) String() string { return strconv.FormatBool(*v.field) }
func (v switchValue) Type() string   { return "bool" }

// Choice is a flag or a setting with one of a few words.
type Choice struct {
	Field *string
	Words []string
}

// Set implements pflag.Value.
func (v Choice) Set(text string) error {
	if !slices.Contains(v.Words, text) {
		return fmt.Errorf("%q is none of %s", text, strings.Join(v.Words, ", "))
	}
	*v.Field = text
	return nil
}

// String implements pflag.Value.
func (v Choice) String() string { return *v.Field }

// Type implements pflag.Value.
func (v Choice) Type() string { return strings.Join(v.Words, "|") }
