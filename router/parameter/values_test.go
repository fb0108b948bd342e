package parameter

import (
	"net/url"
	"strings"
	"testing"

	"flowring/internal/contract"
)

func TestRefusalsNameTheParameterAndTheCorrection(t *testing.T) {
	integer := func(v url.Values) error { _, err := Integer(v, "n", 0, 1, 10); return err }
	choice := func(v url.Values) error { _, _, err := Choice(v, "n", []string{"bytes", "bytes_tx"}); return err }
	flag := func(v url.Values) error { _, err := Flag(v, "n", "true"); return err }
	for _, tt := range []struct {
		query string
		read  func(url.Values) error
		want  string // empty: no refusal
	}{
		{"", integer, ""}, {"n=1", integer, ""}, {"n=10", integer, ""},
		{"n=0", integer, `n is "0"; it must be an integer from 1 to 10`},
		{"n=11", integer, `n is "11"; it must be an integer from 1 to 10`},
		{"n=", integer, `n is ""; it must be an integer from 1 to 10`},
		{"n=%2b1", integer, `n is "+1"; it must be an integer from 1 to 10`},
		{"n=9999999999999999999999", integer, "must be an integer from 1 to 10"},
		{"n=1&n=1", integer, "n is given 2 times; give it once, or leave it out"},
		{"n=bytes_tx", choice, ""},
		{"n=Bytes_t", choice, `n is "Bytes_t", the nearest known value is bytes_tx; the values are bytes, bytes_tx`},
		{"n=true", flag, ""}, {"n=false", flag, `n is "false"; it must be true, or left out`},
		{"n=true&n=true", flag, "n is given 2 times"},
	} {
		values, err := Parse(tt.query)
		if err == nil {
			err = tt.read(values)
		}
		if tt.want == "" {
			if err != nil {
				t.Errorf("%q: %v, want no refusal", tt.query, err)
			}
			continue
		}
		if refusal, text, ok := contract.RefusalOf(err); !ok || refusal != contract.Query || !strings.Contains(text, tt.want) {
			t.Errorf("%q: %v, want the problem query with %q", tt.query, err, tt.want)
		}
	}
}

func TestTextsOfClientsAreShortAndPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"a\n\"é": `"a\n\"\u00e9"`, strings.Repeat("x", 65): `"` + strings.Repeat("x", 64) + `"...`,
	} {
		if got := Quoted(text); got != want {
			t.Errorf("Quoted(%q) = %s, want %s", text, got, want)
		}
	}
}
