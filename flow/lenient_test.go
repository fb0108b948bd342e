package flow

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A lenient request is the request of its valid records, whatever stands between them.
func TestALenientRequestIsThatOfItsValidRecords(t *testing.T) {
	faults := []string{
		`{}`, `1`, `"x"`, `null`, `[]`, `[[{"a":1}],{}]`, with("foo", ""), with("100", "-1"), with("100", "1.5"), with("20", "1796031600"),
		with("{", `{"src_app":"x",`), with(`"foo"`, `{"a":[{}]}`), with(`"foo"`, `[[]]`), with("100", `"100"`),
	}
	rapid.Check(t, func(t *rapid.T) {
		var all, valid []string
		aside := 0
		for range rapid.IntRange(0, 30).Draw(t, "records") {
			if rapid.Bool().Draw(t, "valid") {
				r := with("foo", rapid.StringMatching(`[a-c]{1,2}`).Draw(t, "app"))
				all, valid = append(all, r), append(valid, r)
				continue
			}
			all = append(all, rapid.SampledFrom(faults).Draw(t, "fault"))
			aside++
		}
		body := "[" + strings.Join(all, ",\n") + "]"
		d := Decoder{Leniency: Leniency{SetAside: true}}
		for range 2 {
			got, err := d.Decode([]byte(body))
			if err != nil {
				t.Fatalf("Decode(%s) = %v", body, err)
			}
			want, err := Decode([]byte("[" + strings.Join(valid, ",") + "]"))
			if err != nil {
				t.Fatal(err)
			}
			if got.Aside.Records != aside || len(got.Aside.First) != min(aside, MaxReasons) || got.Records != len(all) {
				t.Fatalf("Decode(%s) leaves %d of %d out with %d reasons, want %d", body, got.Aside.Records, got.Records, len(got.Aside.First), aside)
			}
			if !reflect.DeepEqual(got.Batches, want.Batches) {
				t.Fatalf("Decode(%s) = %+v, want %+v", body, got.Batches, want.Batches)
			}
		}
		if _, err := Decode([]byte(body)); (err == nil) != (aside == 0) {
			t.Fatalf("a strict Decode(%s) = %v after a lenient one", body, err)
		}
	})
}

// A body whose next record cannot be found is refused, and so is a limit.
func TestALenientRequestIsRefusedForItsWhole(t *testing.T) {
	for _, body := range []string{
		"", "x", "[", "[" + good, "[" + good + ",{]", "[{}" + good + "]", good + "x", "[{}]]", "[{\"a\":" + nested(200) + "}]",
		"[" + strings.Repeat(with("100", "9007199254740991")+",", 1025) + "{}]", `[{"src_app":"\ud800"}]`,
	} {
		d := Decoder{Leniency: Leniency{SetAside: true}}
		if p, err := d.Decode([]byte(body)); err == nil {
			t.Errorf("Decode(%.100s) = %+v, want an error", body, p)
		}
	}
}

func FuzzLenient(f *testing.F) {
	f.Add([]byte("[{},1,[[]]," + good + "]"))
	f.Add([]byte(good + "{}" + good))
	f.Fuzz(func(t *testing.T, body []byte) {
		lenient := Decoder{Leniency: Leniency{SetAside: true}}
		got, err := lenient.Decode(body)
		strict, strictErr := Decode(body)
		switch {
		case strictErr == nil && (err != nil || !reflect.DeepEqual(got.Batches, strict.Batches) || got.Aside.Records > 0):
			t.Fatalf("a lenient Decode(%q) = %+v, %v, and a strict one %+v", body, got, err, strict)
		case err == nil && strictErr != nil && got.Aside.Records == 0:
			t.Fatalf("a lenient Decode(%q) leaves nothing out, and a strict one = %v", body, strictErr)
		}
	})
}

// A record that breaks off is not set aside, because records behind it may be missing too.
func TestALenientBodyThatBreaksOffIsRefused(t *testing.T) {
	d := Decoder{Leniency: Leniency{SetAside: true}}
	whole := body(typical(3))
	for n := 1; n < len(whole); n++ {
		if p, err := d.Decode(whole[:n]); err == nil {
			t.Errorf("Decode of the first %d of %d bytes = %+v, want an error", n, len(whole), p)
		}
	}
}
