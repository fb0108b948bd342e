package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"flowring/flow"
)

// How an answer can be printed.
const (
	formatTable = "table" // for people
	formatJSON  = "json"  // the node's answer, byte for byte
	formatLines = "ndjson"
	formatCSV   = "csv" // RFC 4180, with a headline
)

// printing says how to print the flows of an hour.
type printing struct {
	format   string
	hour     flow.Hour
	terminal bool // a person reads it: no name from the network may steer the terminal
}

// flows prints the JSON array in answer. It fails when the array is cut short, whatever has been printed by then.
func (p printing) flows(w io.Writer, answer io.Reader) error {
	switch {
	case p.format == formatCSV:
		return p.csv(w, answer)
	case p.format == formatTable:
		return p.table(w, answer)
	case p.format == formatLines:
		return p.lines(w, answer)
	}
	return printJSON(w, answer, p.terminal)
}

// printJSON copies JSON: byte for byte, but for a terminal with each character that is not printable as \u and its number, which
// means the same in JSON.
func printJSON(w io.Writer, answer io.Reader, terminal bool) error {
	if !terminal {
		_, err := io.Copy(w, answer)
		return err
	}
	in, out := bufio.NewReader(answer), bufio.NewWriter(w)
	for {
		r, size, err := in.ReadRune()
		switch {
		case errors.Is(err, io.EOF):
			return out.Flush()
		case err != nil:
			return errors.Join(err, out.Flush())
		case unicode.IsPrint(r) && (r != utf8.RuneError || size > 1), r == '\n':
			_, _ = out.WriteRune(r) // Flush's error is looked at
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(out, `\u%04x`, unit)
			}
		}
	}
}

// lines prints one JSON object a line, as they come.
func (p printing) lines(w io.Writer, answer io.Reader) error {
	out := bufio.NewWriter(w)
	err := eachFlow(answer, func(record jsontext.Value) error {
		return printJSON(out, io.MultiReader(bytes.NewReader(record), strings.NewReader("\n")), p.terminal)
	})
	return errors.Join(err, out.Flush())
}

// csv prints one line per flow as they come.
func (p printing) csv(w io.Writer, answer io.Reader) error {
	name := func(text string) string { return text }
	if p.terminal {
		name = escaped
	}
	lines := csv.NewWriter(w) // buffered
	lines.Write([]string{"hour", "src_app", "dest_app", "vpc_id", "bytes_tx", "bytes_rx"})
	err := eachFlow(answer, func(f flow.Record) error {
		return lines.Write([]string{f.Hour.String(), name(f.SrcApp), name(f.DestApp), name(f.VPCID), decimal(f.BytesTx), decimal(f.BytesRx)})
	})
	lines.Flush()
	if err != nil {
		return err
	}
	return lines.Error()
}

// escaped returns a text with its control characters, and others that are not printable, written as in Go.
func escaped(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// table prints the hour, one line per flow and their total, after the last flow has come.
func (p printing) table(w io.Writer, answer io.Reader) error {
	t := table{right: []bool{false, false, false, true, true}}
	t.add("SRC APP", "DEST APP", "VPC", "BYTES TX", "BYTES RX")
	tx, rx, flows := new(big.Int), new(big.Int), 0 // the sum of many flows may exceed 64 bits
	err := eachFlow(answer, func(f flow.Record) error {
		t.add(f.SrcApp, f.DestApp, f.VPCID, decimal(f.BytesTx), decimal(f.BytesRx))
		tx.Add(tx, big.NewInt(f.BytesTx))
		rx.Add(rx, big.NewInt(f.BytesRx))
		flows++
		return nil
	})
	if err != nil {
		return err
	}
	t.add("", "", "", "", "") // no flow has empty names: none looks like the total
	t.add(many(flows, "flow"), "", "", tx.String(), rx.String())
	fmt.Fprintf(w, "%s\n\n", period(p.hour))
	return t.write(w)
}

// period says which time an hour number stands for, by the convention of hours since 1970.
func period(hour flow.Hour) string {
	const last = 1 << 26 // about the year 9626: beyond it the number is no time
	if hour < -last/4 || hour > last {
		return fmt.Sprintf("hour %d", hour)
	}
	begin := time.Unix(int64(hour)*3600, 0).UTC()
	return fmt.Sprintf("hour %d, from %s to %s UTC", hour, begin.Format("2006-01-02 15:04"), begin.Add(time.Hour).Format("15:04"))
}

// eachFlow calls do for every flow of a JSON array, until do fails. It does not hold the array in memory.
func eachFlow[T flow.Record | jsontext.Value](answer io.Reader, do func(T) error) error {
	in := jsontext.NewDecoder(answer)
	if first, err := in.ReadToken(); err != nil {
		return fmt.Errorf("read the answer: %w", cutShort(err))
	} else if first.Kind() != '[' {
		return errors.New("read the answer: it is no JSON array")
	}
	for in.PeekKind() != ']' {
		var f T
		if err := json.UnmarshalDecode(in, &f); err != nil {
			return fmt.Errorf("read the answer: %w", cutShort(err))
		}
		if err := do(f); err != nil {
			return err
		}
	}
	_, err := in.ReadToken() // the bracket
	return err
}

// cutShort returns the reason of an error. An end of the input is unexpected, and a syntax error is without its offset, which counts
// from the begin of the decoder's input.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
		return syntax.Err
	}
	return err
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
