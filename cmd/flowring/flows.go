package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// How an answer can be printed.
const (
	formatTable = "table" // for people
	formatJSON  = "json"  // the node's answer, byte for byte
	formatCSV   = "csv"   // RFC 4180, with a headline
)

// flowTotals is one flow in the answer to a GET.
type flowTotals struct {
	SrcApp  string `json:"src_app"`
	DestApp string `json:"dest_app"`
	VPCID   string `json:"vpc_id"`
	BytesTx int64  `json:"bytes_tx"`
	BytesRx int64  `json:"bytes_rx"`
	Hour    int64  `json:"hour"`
}

// printFlows prints the JSON array in answer. It fails when the array is cut short, whatever has been printed by then.
func printFlows(w io.Writer, answer io.Reader, format string) error {
	switch format {
	case formatCSV:
		return printCSV(w, answer)
	case formatTable:
		return printTable(w, answer)
	}
	_, err := io.Copy(w, answer)
	return err
}

// printCSV prints one line per flow as they come.
func printCSV(w io.Writer, answer io.Reader) error {
	lines := csv.NewWriter(w) // buffered
	lines.Write([]string{"hour", "src_app", "dest_app", "vpc_id", "bytes_tx", "bytes_rx"})
	err := eachFlow(answer, func(f flowTotals) {
		lines.Write([]string{decimal(f.Hour), f.SrcApp, f.DestApp, f.VPCID, decimal(f.BytesTx), decimal(f.BytesRx)})
	})
	lines.Flush()
	if err != nil {
		return err
	}
	return lines.Error()
}

// printTable prints one line per flow, after the last has come.
func printTable(w io.Writer, answer io.Reader) error {
	t := table{right: []bool{false, false, false, true, true}}
	t.add("SRC APP", "DEST APP", "VPC", "BYTES TX", "BYTES RX")
	err := eachFlow(answer, func(f flowTotals) {
		t.add(f.SrcApp, f.DestApp, f.VPCID, decimal(f.BytesTx), decimal(f.BytesRx))
	})
	if err != nil {
		return err
	}
	return t.write(w)
}

// eachFlow calls do for every flow of a JSON array. It does not hold the array in memory.
func eachFlow(answer io.Reader, do func(flowTotals)) error {
	in := json.NewDecoder(answer)
	if first, err := in.Token(); err != nil {
		return fmt.Errorf("read the answer: %w", cutShort(err))
	} else if first != json.Delim('[') {
		return errors.New("read the answer: it is no JSON array")
	}
	for in.More() {
		var f flowTotals
		if err := in.Decode(&f); err != nil {
			return fmt.Errorf("read the answer: %w", cutShort(err))
		}
		do(f)
	}
	if _, err := in.Token(); err != nil {
		return fmt.Errorf("read the answer: %w", cutShort(err))
	}
	return nil
}

// cutShort returns err, where the input ends too early said as such.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
