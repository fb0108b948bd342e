package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const twoFlows = `[{"src_app":"a","dest_app":"b,\"c","vpc_id":"v","bytes_tx":9223372036854775807,"bytes_rx":2,"hour":-5},
{"src_app":"\u001b[2Jänne","dest_app":"d","vpc_id":"vpc-1","bytes_tx":10,"bytes_rx":20,"hour":-5}]
`

func TestPrintFlows(t *testing.T) {
	for _, test := range []struct{ name, format, in, want string }{
		{"JSON is passed on as it is", formatJSON, twoFlows, twoFlows},
		{"CSV quotes what needs it", formatCSV, twoFlows, "hour,src_app,dest_app,vpc_id,bytes_tx,bytes_rx\n" +
			"-5,a,\"b,\"\"c\",v,9223372036854775807,2\n-5,\x1b[2Jänne,d,vpc-1,10,20\n"},
		{"CSV of nothing is a headline", formatCSV, "[]\n", "hour,src_app,dest_app,vpc_id,bytes_tx,bytes_rx\n"},
		{"a table aligns, and no name steers the terminal", formatTable, twoFlows, "" +
			"SRC APP        DEST APP  VPC               BYTES TX  BYTES RX\n" +
			"a              \"b,\\\"c\"   v      9223372036854775807         2\n" +
			"\"\\x1b[2Jänne\"  d         vpc-1                   10        20\n"},
		{"a table of nothing is a headline", formatTable, "[]", "SRC APP  DEST APP  VPC  BYTES TX  BYTES RX\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got strings.Builder
			if err := printFlows(&got, strings.NewReader(test.in), test.format); err != nil || got.String() != test.want {
				t.Errorf("printFlows() = %v with\n%q, want\n%q", err, &got, test.want)
			}
		})
	}
}

// An answer cut short must never be taken for the whole (P5).
func TestPrintFlowsFailsOnATruncatedAnswer(t *testing.T) {
	for cut := range len(twoFlows) - 1 { // without the bracket at least
		for _, format := range []string{formatTable, formatCSV} {
			if err := printFlows(io.Discard, strings.NewReader(twoFlows[:cut]), format); err == nil {
				t.Errorf("printFlows(%d of %d bytes, %s) = nil, want an error", cut, len(twoFlows), format)
			}
		}
	}
	broken := errors.New("connection reset")
	answer := io.MultiReader(strings.NewReader("["), iotest.ErrReader(broken))
	if err := printFlows(io.Discard, answer, formatJSON); !errors.Is(err, broken) {
		t.Errorf("printFlows() = %v, want %v", err, broken)
	}
}
