package flow

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// decode is the type of Decode and decodeReference.
type decode func(body []byte) (*Posting, error)

// byReference is decodeReference within the contract.
func byReference(body []byte) (*Posting, error) { return decodeReference(body, Leniency{}) }

// disagreement describes the difference between the results of two decoders for a body; it is empty if there is none.
func disagreement(body []byte, a, b decode) string {
	gotA, errA := a(body)
	gotB, errB := b(body)
	if !reflect.DeepEqual(gotA, gotB) {
		return fmt.Sprintf("postings %+v (%v) and %+v (%v)", gotA, errA, gotB, errB)
	}
	var refusedA, refusedB *RecordError
	errors.As(errA, &refusedA)
	errors.As(errB, &refusedB)
	same := reflect.DeepEqual(refusedA, refusedB) && errors.Is(errA, ErrOverflow) == errors.Is(errB, ErrOverflow)
	if !same || fmt.Sprint(errA) != fmt.Sprint(errB) {
		return fmt.Sprintf("errors %v and %v", errA, errB)
	}
	return ""
}

// FuzzScanner compares Decode, by a new and by a used Decoder, with the reference decoder.
func FuzzScanner(f *testing.F) {
	for _, body := range oddBodies() {
		f.Add([]byte(body))
	}
	var used Decoder
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		for name, d := range map[string]decode{"fresh": Decode, "used": used.Decode} {
			if differs := disagreement(body, d, byReference); differs != "" {
				t.Fatalf("the %s Decoder and decodeReference of %q: %s", name, body, differs)
			}
		}
		if !bytes.Equal(body, before) {
			t.Fatalf("Decode changed its input from %q to %q", before, body)
		}
	})
}

// The bodies differ from a valid one in one byte: it is another, is missing, is doubled or is the last. A scanner that
// overlooks a byte accepts one of them.
func TestDecodeLooksAtEveryByte(t *testing.T) {
	wide := strings.NewReplacer(",", ",\n"+strings.Repeat(" ", 20), "}", "}\n"+strings.Repeat(" ", 20))
	records := with("foo", "service-of-17-byt") + "," + with("bar", "é", "20", "123456789") + "," + with("100", "8", "}", `,"x":1.5}`)
	var used Decoder
	lines := strings.ReplaceAll(records, "},{", "}\n{")
	for _, text := range []string{
		"[" + records + "," + records + "]", "[" + wide.Replace(records+","+records) + "]", lines + "\n" + lines + "\n", lines + lines,
	} {
		for i := range text {
			bodies := []string{text[:i], text[:i] + text[i+1:], text[:i] + text[i:i+1] + text[i:]}
			for _, c := range "\x00\n\"\\,:09-.}x" {
				bodies = append(bodies, text[:i]+string(c)+text[i+1:])
			}
			bodies = append(bodies, text[:i]+"\xff"+text[i+1:])
			for _, body := range bodies {
				if differs := disagreement([]byte(body), used.Decode, byReference); differs != "" {
					t.Errorf("Decode and decodeReference of %q: %s", body, differs)
				}
			}
		}
	}
}

// oddBodies returns bodies with each odd record alone and after a record that gives the scanner a template.
func oddBodies() []string {
	bodies := []string{
		"", "[", "[]", " [ ] ", "[]]", "[,]", "[" + good + "}", "{}", "null", "\xef\xbb\xbf[" + good + "]", "[\xef\xbb\xbf" + good + "]",
		good, good + "\n" + good, "[" + good + "] ", "[" + good + "]\x00", "[" + good + "][]", "[" + good + good + "]",
		"[" + good + ",]", "[," + good + "]", "[" + good + ",,", "[" + strings.Repeat("[", 200),
	}
	line := strings.NewReplacer("{", "{\n  ", ",", ",\n  ", ":", ": ", "}", "\n}")
	for _, odd := range oddRecords() {
		bodies = append(bodies, "["+odd+"]", "["+odd+","+good+","+odd+"]", "["+strings.Repeat(good+","+odd+",", 2)+good+"]")
		all := strings.Join([]string{good, good, with("20", "21"), odd, odd, good}, ",\n")
		bodies = append(bodies, "["+line.Replace(all)+"]", "["+all, all[:len(all)/2])
		lines := strings.Join([]string{good, good, with("20", "21"), odd, odd, good}, "\n")
		bodies = append(bodies, odd, lines, lines+"\r\n", strings.ReplaceAll(lines, "\n", ""), strings.ReplaceAll(lines, "\n", ",\n"),
			line.Replace(lines), good+"\n"+good+"["+odd+"]")
	}
	far := strings.NewReplacer(",", ","+strings.Repeat(" ", 30))
	swapped := with("bytes_tx", "bytes_rx", "bytes_rx", "bytes_tx")
	bodies = append(bodies, "["+far.Replace(good+","+good+","+swapped+","+good)+"]", "["+good+","+good+","+swapped+"]")
	most := with("100", "9007199254740991")
	return append(bodies, "["+strings.Repeat(most+",", 1023)+most+"]", "["+strings.Repeat(most+",", 1024)+most+"]",
		"["+strings.Repeat(most+",", 1024)+most+",{}]")
}

// oddRecords returns invalid records and unusual valid ones.
func oddRecords() []string {
	odd := []string{
		good, "{}", "[]", "null", "5", "", "{", `{"`, good + "}", strings.TrimSuffix(good, "}"), strings.TrimSuffix(good, "0}"),
		with("{", "{,"), with("}", ",}"), with(",", ",,"), with(",", " , "), with(":", " : "), with(":", "::"), with(",", ""),
		with("{", "{ "), with("}", " }"), with("}", "]"), with("}", "}\v"), with(`"foo"`, `"foo" x`), with("hour", "hour\x00"),
		with("src_app", "src_ip", "dest_app", "dest_ip", "vpc_id", "vpc"), with("{", `{"src_ip":"x",`), with("}", `,"vpc":"x"}`),
		with("src_app", "SRC_APP"), with("src_app", `src\u005fapp`), with("{", `{"hour":20,`), with("}", `,"hour":20}`),
		with("20", "1796031600"), with("20", "4102444800"), with("bytes_rx", "bytes_tx"), with("vpc_id", "dest_app"), with(`"foo"`, "5"), with(`"foo"`, "null"), with("20", "null"),
		with("{", `{"a":{"hour":1},`), with("{", `{"a":`+nested(126)+`,`), with("{", `{"a":`+nested(127)+`,`), with("}", `,"a":[1,]}`),
		with("{", `{"a":"\ud800",`), with("{", "{\"a\":\"\xff\","), with("{", "{\"\xff\":1,"), with("{", `{"é":"é",`), with("{", `{"":"",`),
		with("{", `{"a":1,"a":1,`), with("{", "{"+strings.Repeat(`"a":1,`, 16)), with("{", "{"+strings.Repeat(`"a":1,`, 10)),
		`{"vpc_id":"a","hour":1,"bytes_rx":2,"dest_app":"c","src_app":"b","bytes_tx":3}`,
		with("foo", strings.Repeat("n", 8)+"\x80"), with("foo", strings.Repeat("n", 30)+"\x80"),
		with("foo", strings.Repeat("n", 17)+"\x80"+strings.Repeat("n", 20)), with(`foo"`, `foo\`), with(`src_app"`, `src_app\`),
		with("foo", "\x01"), with("foo", "a\tb"),
	}
	for _, number := range []string{
		"0", "-0", "-1", "00", "01", "1.0", "1e3", "1E3", "+1", ".5", "5.", "1e", "0x1", "1_0", "NaN", "true", "\"1\"", "", "1 2", "[1]", "{}",
		"7", "12345678", "123456789", "1234567890123456", "12345678901234567", "9007199254740991", "9007199254740992", "99999999",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616",
		"0000000000000001", "00000001", strings.Repeat("9", 400), "１", "1/", "1:", "12345678/", "1234567:",
	} {
		odd = append(odd, with("100", number), with("20", number), with("}", `,"more":`+number+`}`))
	}
	for _, scalar := range []string{"-1.5e+9", "0.25", "-0.0E-0", "1.e5", "1e+", "-", "--1", "nul", "truex", "false", "null", "1.5.2", "1e5.2"} {
		odd = append(odd, with("}", `,"more":`+scalar+`}`), with("{", `{"more":`+scalar+` ,`))
	}
	for _, text := range []string{
		"", "a", "1234567", "12345678", "123456789", "123456789012345", "1234567890123456", "12345678901234567",
		"123456789012345678901234", "1234567890123456789012345", "a\x7fb", "é", "日本語日本語日本語", "😀", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		`\n`, `\/`, `\\`, `\"`, `\x`, `\u0000`, `\ud83d\ude00`, `\ud800`, `\udc00x`, `1234567\n`, `12345678\u00e9`, `\`, "}", "},{", `"`, `",`,
		strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("x", 257), strings.Repeat("é", 128), strings.Repeat("é", 128) + "x",
		strings.Repeat(`\n`, 256), strings.Repeat(`\n`, 257), "f\no", "foo\x00", "\x1f", " ", "!", "[", "]",
	} {
		odd = append(odd, with("foo", text), with("vpc-0", text), with("}", `,"more":"`+text+`"}`))
	}
	return odd
}

// This is the negative control of the comparison: it must detect each of these possible mistakes of a scanner.
func TestTheComparisonFindsAMistake(t *testing.T) {
	zeros := regexp.MustCompile(`:0+([1-9])`)
	before := func(change func([]byte) []byte) decode {
		return func(body []byte) (*Posting, error) { return Decode(change(bytes.Clone(body))) }
	}
	behind := func(change func(*Posting)) decode {
		return func(body []byte) (*Posting, error) {
			p, err := Decode(body)
			if err == nil && len(p.Batches) > 0 {
				change(p)
			}
			return p, err
		}
	}
	replace := func(old, by string) decode {
		return before(func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(old), []byte(by)) })
	}
	for name, wrong := range map[string]decode{
		"leading zeros are taken":            before(func(body []byte) []byte { return zeros.ReplaceAll(body, []byte(":$1")) }),
		"invalid UTF-8 is replaced":          before(func(body []byte) []byte { return bytes.ToValidUTF8(body, []byte("?")) }),
		"what follows the array is not read": before(func(body []byte) []byte { return body[:bytes.LastIndexByte(body, ']')+1] }),
		"a comma too many is taken":          replace(",]", "]"),
		"a fraction of zero is taken":        replace("1.0", "1"),
		"a control character is taken":       replace("\x1f", "?"),
		"half a surrogate pair is taken":     replace(`\ud800`, `\ufffd`),
		"2^53 bytes are taken":               replace("9007199254740992", "9007199254740991"),
		"names of 257 bytes are taken":       replace(strings.Repeat("x", 257), "x"),
		"names differ in case":               replace("SRC_APP", "src_app"),
		"the second of two fields counts":    replace(`{"hour":20,"src_app"`, `{"src_app"`),
		"a NUL is lost":                      behind(func(p *Posting) { p.Batches[0].Names[0] = strings.TrimRight(p.Batches[0].Names[0], "\x00") }),
		"a record is counted twice":          behind(func(p *Posting) { p.Records++ }),
		"a digit is lost":                    behind(func(p *Posting) { p.Batches[0].Tx[0] = p.Batches[0].Tx[0] % 1e15 }),
		"hours are unsigned":                 behind(func(p *Posting) { p.Batches[0].Slice.Hour = max(0, p.Batches[0].Slice.Hour) }),
		"sums are not refused": func(body []byte) (*Posting, error) {
			p, err := Decode(body)
			if errors.Is(err, ErrOverflow) {
				return &Posting{}, nil
			}
			return p, err
		},
		"another record is blamed": func(body []byte) (*Posting, error) {
			p, err := Decode(body)
			if refused := (*RecordError)(nil); errors.As(err, &refused) {
				refused.Index++
			}
			return p, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, body := range oddBodies() {
				if disagreement([]byte(body), wrong, byReference) != "" {
					return
				}
			}
			t.Errorf("no body of the corpus shows the mistake")
		})
	}
}

func TestARecordThatIsNotPlainCountsLikeAnyOther(t *testing.T) {
	p, err := Decode([]byte("[" + good + "," + with("foo", `f\u006fo`) + "," + good + "]"))
	if err != nil || p.Records != 3 || p.Flows() != 1 {
		t.Errorf("Decode of an escaped name between plain records = %+v, %v, want 3 records of 1 flow", p, err)
	}
}

func TestDecodeAllocatesNothingPerRecord(t *testing.T) {
	var d Decoder
	for _, n := range []int{5, 1000} {
		text := body(typical(n))
		if got := testing.AllocsPerRun(20, func() { _, _ = d.Decode(text) }); got > 8 {
			t.Errorf("a used Decoder allocates %v times for %d records, want at most 8 times", got, n)
		}
	}
}

func TestADecoderForgetsTheBodyBefore(t *testing.T) {
	var d Decoder
	large := body(typical(maxReused/80 + 1))
	if _, err := d.Decode(large); err != nil {
		t.Fatal(err)
	}
	if len(large) <= maxReused || d.builder.table.Rows != nil {
		t.Errorf("after %d bytes the Decoder keeps %d rows", len(large), cap(d.builder.table.Rows))
	}
	wide := strings.ReplaceAll(good, ",", ","+strings.Repeat(" ", 30))
	for _, n := range []int{5, 1, 2} { // a template of the body before must not be used
		p, err := d.Decode([]byte("[" + strings.Repeat(wide+",", n) + wide + "]"))
		if err != nil || p.Records != n+1 {
			t.Errorf("Decode(%d records) = %+v, %v", n+1, p, err)
		}
	}
	for _, bad := range []string{"[" + good + ",", "[" + good + "," + with("foo", `\n`) + "}", "[" + with("20", "x")} {
		if p, err := d.Decode([]byte(bad)); err == nil {
			t.Errorf("Decode(%s) = %+v, want an error", bad, p)
		}
		p, err := d.Decode([]byte("[" + with("foo", "new") + "]"))
		if err != nil || p.Records != 1 || p.Flows() != 1 || p.Batches[0].Names[0] != "new" {
			t.Errorf("after a refused body Decode = %+v, %v, want one record of one flow", p, err)
		}
	}
}
