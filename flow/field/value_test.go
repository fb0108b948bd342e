package field

import (
	"strings"
	"testing"
)

func TestIntegerAcceptsTheFormOfJSON(t *testing.T) {
	for _, tt := range []struct {
		field Field
		text  string
		want  int64
		ok    bool
	}{
		{BytesTx, "0", 0, true},
		{BytesRx, "-0", 0, true},
		{BytesTx, "100", 100, true},
		{BytesTx, "101", 0, false},
		{BytesTx, "-1", 0, false},
		{Hour, "-1", -1, true},
		{Hour, "-9223372036854775808", -1 << 63, true},
		{Hour, "9223372036854775807", 1<<63 - 1, true},
		{Hour, "9223372036854775808", 0, false},
		{Hour, "", 0, false},
		{Hour, "-", 0, false},
		{Hour, "+1", 0, false},
		{Hour, "01", 0, false},
		{Hour, "-01", 0, false},
		{Hour, "1_0", 0, false},
		{Hour, " 1", 0, false},
		{Hour, "1.0", 0, false},
	} {
		n, reason := Integer(tt.field, []byte(tt.text), 100)
		if n != tt.want || (reason == "") != tt.ok {
			t.Errorf("Integer(%v, %q, 100) = %d, %q, want %d, valid: %t", tt.field, tt.text, n, reason, tt.want, tt.ok)
		}
	}
}

func TestARefusedIntegerComesWithAdvice(t *testing.T) {
	for _, tt := range []struct {
		field        Field
		text, advice string
	}{
		{Hour, `"2026-11-30T10:15:00+01:00"`, "; its hour is 498897"},
		{Hour, "2026-11-30T10:15:00+01:00", "; its hour is 498897"},
		{BytesTx, `"2026-11-30T10:15:00+01:00"`, "; write the number without quotes"},
		{Hour, `"2026-11-30"`, "; write the number without quotes"},
		{Hour, `"20"`, "; write the number without quotes"},
		{BytesTx, "1.0", "; write it without fraction and exponent"},
		{BytesTx, "-1e3", "; write it without fraction and exponent"},
		{BytesTx, "x", ""},
		{BytesTx, " ", ""},
	} {
		_, reason := Integer(tt.field, []byte(tt.text), MaxBytes)
		if want := Got(tt.field.Want(), []byte(tt.text)) + tt.advice; reason != want {
			t.Errorf("Integer(%v, %q) is refused with %q, want %q", tt.field, tt.text, reason, want)
		}
	}
}

func TestQuoteIsShortAndPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"plain":                 "plain",
		"a\nb":                  `"a\nb"`,
		"\xff":                  `"\xff"`,
		strings.Repeat("x", 40): strings.Repeat("x", 40),
		strings.Repeat("x", 41): strings.Repeat("x", 37) + "...",
		strings.Repeat("日", 14): strings.Repeat("日", 12) + "...",
	} {
		if got := Quote([]byte(text)); got != want {
			t.Errorf("Quote(%q) = %s, want %s", text, got, want)
		}
	}
}
