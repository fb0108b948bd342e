package output

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"flowring/flow"
)

const twoFlows = `[{"src_app":"a","dest_app":"b,\"c","vpc_id":"v","bytes_tx":9223372036854775807,"bytes_rx":2,"hour":-5},
{"src_app":"\u001b[2Jänne","dest_app":"d","vpc_id":"vpc-1","bytes_tx":10,"bytes_rx":20,"hour":-5}]
`

const hourMinus5 = "hour -5, from 1969-12-31 19:00 to 20:00 UTC\n\n"

func TestPrintFlows(t *testing.T) {
	for _, test := range []struct {
		name, format string
		terminal     bool
		in, want     string
	}{
		{"JSON is passed on as it is", FormatJSON, false, twoFlows, twoFlows},
		{"JSON on a terminal has no control characters", FormatJSON, true, "[\"\u00e4\u009b2J\x7f\u202e\xff\U000e0001\"]\n",
			"[\"\u00e4\\u009b2J\\u007f\\u202e\\ufffd\\udb40\\udc01\"]\n"},
		{"CSV quotes what needs it", FormatCSV, false, twoFlows, "hour,src_app,dest_app,vpc_id,bytes_tx,bytes_rx\n" +
			"-5,a,\"b,\"\"c\",v,9223372036854775807,2\n-5,\x1b[2Jänne,d,vpc-1,10,20\n"},
		{"CSV on a terminal has no control characters", FormatCSV, true, twoFlows, "hour,src_app,dest_app,vpc_id,bytes_tx,bytes_rx\n" +
			"-5,a,\"b,\"\"c\",v,9223372036854775807,2\n-5,\\x1b[2Jänne,d,vpc-1,10,20\n"},
		{"CSV of nothing is a headline", FormatCSV, false, "[]\n", "hour,src_app,dest_app,vpc_id,bytes_tx,bytes_rx\n"},
		{"a table aligns, and no name steers the terminal", FormatTable, true, twoFlows, hourMinus5 +
			"SRC APP        DEST APP  VPC               BYTES TX  BYTES RX\n" +
			"a              \"b,\\\"c\"   v      9223372036854775807         2\n" +
			"\"\\x1b[2Jänne\"  d         vpc-1                   10        20\n\n" +
			"2 flows                         9223372036854775817        22\n"},
		{"a table of nothing has a total of 0", FormatTable, false, "[]", hourMinus5 +
			"SRC APP  DEST APP  VPC  BYTES TX  BYTES RX\n\n0 flows                        0         0\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got strings.Builder
			if err := (Flows{test.format, -5, test.terminal}).Write(&got, strings.NewReader(test.in)); err != nil || got.String() != test.want {
				t.Errorf("flows() = %v with\n%q, want\n%q", err, &got, test.want)
			}
		})
	}
}

// An answer that is cut short must not pass for a whole answer (P5).
func TestPrintFlowsFailsOnATruncatedAnswer(t *testing.T) {
	for cut := range len(twoFlows) - 1 { // without the bracket at least
		for _, format := range []string{FormatTable, FormatCSV} {
			if err := (Flows{Format: format}).Write(io.Discard, strings.NewReader(twoFlows[:cut])); err == nil {
				t.Errorf("flows(%d of %d bytes, %s) = nil, want an error", cut, len(twoFlows), format)
			}
		}
	}
	broken := errors.New("connection reset")
	answer := io.MultiReader(strings.NewReader("["), iotest.ErrReader(broken))
	if err := (Flows{Format: FormatJSON}).Write(io.Discard, answer); !errors.Is(err, broken) {
		t.Errorf("flows() = %v, want %v", err, broken)
	}
}

func TestPeriod(t *testing.T) {
	for hour, want := range map[flow.Hour]string{
		20:         "hour 20, from 1970-01-01 20:00 to 21:00 UTC",
		495671:     "hour 495671, from 2026-07-18 23:00 to 00:00 UTC",
		1<<63 - 1:  "hour 9223372036854775807",
		-1 << 63:   "hour -9223372036854775808",
		1 << 26:    "hour 67108864, from 9625-09-28 16:00 to 17:00 UTC",
		1<<26 + 1:  "hour 67108865",
		-(1 << 24): "hour -16777216, from 0056-01-24 08:00 to 09:00 UTC",
	} {
		if got := period(hour); got != want {
			t.Errorf("period(%d) = %q, want %q", hour, got, want)
		}
	}
}
