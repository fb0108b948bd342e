package output

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

	"github.com/go-json-experiment/json/jsontext"

	"flowring/cmd/flowring/records"
	"flowring/flow"
)

// The formats of an answer.
const (
	FormatTable  = "table" // for reading
	FormatJSON   = "json"  // the answer of the node, byte for byte
	FormatNDJSON = "ndjson"
	FormatCSV    = "csv" // RFC 4180, with a header row
)

// Flows prints the flows of an hour.
type Flows struct {
	Format   string
	Hour     flow.Hour
	Terminal bool // the output is a terminal, which no name from the network may steer
}

// Write prints the JSON array in answer. It fails if the array is cut short, also after a part has been printed.
func (p Flows) Write(w io.Writer, answer io.Reader) error {
	switch {
	case p.Format == FormatCSV:
		return p.csv(w, answer)
	case p.Format == FormatTable:
		return p.table(w, answer)
	case p.Format == FormatNDJSON:
		return p.lines(w, answer)
	}
	return JSON(w, answer, p.Terminal)
}

// JSON copies JSON. On a terminal it writes each character that is not printable as \u and its number, which has the
// same meaning in JSON.
func JSON(w io.Writer, answer io.Reader, terminal bool) error {
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
			_, _ = out.WriteRune(r) // Flush returns the error
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(out, `\u%04x`, unit)
			}
		}
	}
}

// lines prints one JSON object per line, flow by flow.
func (p Flows) lines(w io.Writer, answer io.Reader) error {
	out := bufio.NewWriter(w)
	err := records.Each(answer, func(record jsontext.Value) error {
		return JSON(out, io.MultiReader(bytes.NewReader(record), strings.NewReader("\n")), p.Terminal)
	})
	return errors.Join(err, out.Flush())
}

// csv prints one line per flow, flow by flow.
func (p Flows) csv(w io.Writer, answer io.Reader) error {
	name := func(text string) string { return text }
	if p.Terminal {
		name = Escaped
	}
	lines := csv.NewWriter(w) // buffered
	lines.Write([]string{"hour", "src_app", "dest_app", "vpc_id", "bytes_tx", "bytes_rx"})
	err := records.Each(answer, func(f flow.Record) error {
		return lines.Write([]string{
			f.Hour.String(), name(f.SrcApp), name(f.DestApp), name(f.VPCID), decimal(f.BytesTx), decimal(f.BytesRx),
		})
	})
	lines.Flush()
	if err != nil {
		return err
	}
	return lines.Error()
}

// Escaped returns a text with its non-printable characters escaped as in Go.
func Escaped(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// table prints the hour, one line per flow and the total, after it has read the last flow.
func (p Flows) table(w io.Writer, answer io.Reader) error {
	t := Table{Right: []bool{false, false, false, true, true}}
	t.Add("SRC APP", "DEST APP", "VPC", "BYTES TX", "BYTES RX")
	tx, rx, flows := new(big.Int), new(big.Int), 0 // the sum of many flows may exceed 64 bits
	err := records.Each(answer, func(f flow.Record) error {
		t.Add(f.SrcApp, f.DestApp, f.VPCID, decimal(f.BytesTx), decimal(f.BytesRx))
		tx.Add(tx, big.NewInt(f.BytesTx))
		rx.Add(rx, big.NewInt(f.BytesRx))
		flows++
		return nil
	})
	if err != nil {
		return err
	}
	t.Add("", "", "", "", "") // no flow has empty names, so no flow looks like the total
	t.Add(Many(flows, "flow"), "", "", tx.String(), rx.String())
	fmt.Fprintf(w, "%s\n\n", period(p.Hour))
	return t.Write(w)
}

// period returns the time of an hour, by the convention of hours since 1970.
func period(hour flow.Hour) string {
	const last = 1 << 26 // about the year 9626; a larger number is no time
	if hour < -last/4 || hour > last {
		return fmt.Sprintf("hour %d", hour)
	}
	begin := time.Unix(int64(hour)*3600, 0).UTC()
	end := begin.Add(time.Hour)
	return fmt.Sprintf("hour %d, from %s to %s UTC", hour, begin.Format("2006-01-02 15:04"), end.Format("15:04"))
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
