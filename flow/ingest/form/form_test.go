package form

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"flowring/flow/ingest/preset"
)

// rows is a sink that keeps all rows as text.
type rows struct {
	all       []string
	malformed int
	fail      error // after the first row
}

func (r *rows) Row(values []string) error {
	r.all = append(r.all, strings.Join(values, "|"))
	return r.fail
}

func (r *rows) Malformed() { r.malformed++ }

func read(t *testing.T, r Reader, body string) *rows {
	t.Helper()
	var to rows
	if err := r.Read([]byte(body), &to); err != nil {
		t.Fatalf("Read(%.60q) = %v", body, err)
	}
	return &to
}

func TestATableHasRows(t *testing.T) {
	r := newCSV([]string{"b", "a", "absent"})
	const body = "\na, b ,c\r\n1,2,3\n\n\"x,\ny\",\"q\"\"\",3\r\n1,2\n1,\"2,3\" 4,5\nSummary\nflows,bytes\n1,2\na, b ,c\n4,5,6"
	got := read(t, r, body)
	if want := []string{"2|1|", "q\"|x,\ny|", "5|4|"}; !slices.Equal(got.all, want) || got.malformed != 2 {
		t.Errorf("rows %q and %d malformed, want %q and 2", got.all, got.malformed, want)
	}
}

func TestJSONHasRows(t *testing.T) {
	fields := []string{"a", "b.c", "b.d.e", "x.y.z"}
	for _, test := range []struct {
		name, body string
		want       []string
		malformed  int
	}{
		{"an array", `[{"a":1},{"a":"two","b":{"c":true}}]`, []string{"1|||", "two|true||"}, 0},
		{"one a line", "{\"a\":1}\n{\"a\":2}\n", []string{"1|||", "2|||"}, 0},
		{"one after the other", `{"a":1}{"a":2}`, []string{"1|||", "2|||"}, 0},
		{"arrays one after the other", "[{\"a\":1}]\n[{\"a\":2}]", []string{"1|||", "2|||"}, 0},
		{"an object with the records", `{"version":1,"recs":[{"a":1},{"a":2}],"a":7}`, []string{"1|||", "2|||"}, 0},
		{"an object without the records", `{"a":7}`, []string{"7|||"}, 0},
		{"the records are no array", `{"a":7,"recs":{}}`, []string{"7|||"}, 0},
		{"an object with no records", `{"recs":[]}`, nil, 0},
		{"nothing", " \n", nil, 0},
		{"paths", `{"b":{"c":1,"d":{"e":2,"f":[{"e":9}]}},"x":{"y":{"z":3}}}`, []string{"|1|2|3"}, 0},
		{"names with dots", `{"b.c":1,"b.d.e":2,"x.y":{"z":3}}`, []string{"|1|2|3"}, 0},
		{"null is no value", `{"a":null}`, []string{"|||"}, 0},
		{"an object in place of a value", `{"a":{"b":1},"b":[{"c":2}]}`, []string{"|||"}, 0},
		{"numbers keep their digits", `{"a":18446744073709551615,"b":{"c":1.50e3}}`, []string{"18446744073709551615|1.50e3||"}, 0},
		{"escapes", `{"\u0061":"\u00fc\n"}`, []string{"ü\n|||"}, 0},
		{"the last of two equal names", `{"a":1,"a":2}`, []string{"2|||"}, 0},
		{"a row keeps nothing of the one before", `[{"a":1,"b":{"c":1}},{}]`, []string{"1|1||", "|||"}, 0},
		{"a bad line does not hide the next", "{\"a\":1}\n{\"a\":}\nnonsense\n{\"a\":2}", []string{"1|||", "2|||"}, 2},
		{"a line that is not complete and has its end", "{\"a\":1}\n{\"a\":2\n", []string{"1|||"}, 1},
		{"a value that is no object", `[1,"x",{"a":1}]`, []string{"1|||"}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := read(t, newJSON(fields, "recs"), test.body)
			if !slices.Equal(got.all, test.want) || got.malformed != test.malformed {
				t.Errorf("rows = %q, %d malformed; want %q, %d", got.all, got.malformed, test.want, test.malformed)
			}
		})
	}
}

// The rows before a fault must not count without those behind it, which nobody would send again.
func TestABodyThatBreaksOffIsAnError(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"a line", "{\"a\":1}\n{\"a\":2", "the body ends within its JSON, after 14 bytes"},
		{"an object of many lines", "{\n\"a\": 1,\n", "the body ends within its JSON, after 10 bytes"},
		{"an array", "[{\"a\":1},\n{\"a\":2},\n{\"a\":", "the body ends within its JSON, after 24 bytes"},
		{"an array between two records", `[{"a":1},`, "the body ends within its JSON, after 9 bytes"},
		{"an array without its end", "[{\"a\":1}\n", "the body ends within its JSON, after 9 bytes"},
		{"records", `{"recs":[{"a":1}`, "the body ends within its JSON, after 16 bytes"},
		{"records with their end", `{"recs":[{"a":1}]`, "the body ends within its JSON, after 17 bytes"},
		{"the second of two arrays", "[{\"a\":1}]\n[{\"a\":2}", "the body ends within its JSON, after 18 bytes"},
		{"an array with a fault", "[{\"a\":1},\n{\"a\":?},\n{\"a\":3}]", "the array or object that has the records is no JSON at byte 15"},
		{"records with a fault", "nonsense\n{\"recs\":[\n{\"a\":1},\n{\"a\":?}]}\n{\"a\":4}", "the array or object that has the records is no JSON at byte 34"},
	} {
		var broken *BrokenError
		body := strings.Replace(test.body, "nonsense", "{nonsense", 1)
		if err := newJSON([]string{"a"}, "recs").Read([]byte(body), new(rows)); !errors.As(err, &broken) || err.Error() != test.want {
			t.Errorf("%s: Read = %v, want %s", test.name, err, test.want)
		}
	}
	for _, whole := range []string{`[{"a":1},{"a":{"b":[2]}}]`, `{"recs":[{"a":1},{"a":2}],"c":"d"}`, `{"a":1,"b":[2]}`} {
		for n := 1; n < len(whole); n++ {
			if err := newJSON([]string{"a"}, "recs").Read([]byte(whole[:n]), new(rows)); !errors.As(err, new(*BrokenError)) {
				t.Errorf("Read of the first %d bytes of %s = %v, want a BrokenError", n, whole, err)
			}
		}
	}
}

func TestABodyInAnotherFormIsRefused(t *testing.T) {
	var to rows
	if err := newJSON(nil, "").Read([]byte("2 1234 eni-1"), &to); !errors.As(err, new(*BodyError)) {
		t.Errorf("a text = %v, want a BodyError", err)
	}
	full := errors.New("full")
	for _, body := range []string{`[{},{}]`, "{}\n{}", `{"recs":[{},{}]}`} {
		to = rows{fail: full}
		if err := newJSON(nil, "recs").Read([]byte(body), &to); err != full || len(to.all) != 1 || to.malformed != 0 {
			t.Errorf("%s with a sink that is full = %v, %d rows", body, err, len(to.all))
		}
	}
}

// TestAWSTheVersionInALineSaysNothingOfTheOrder: only a header does.
func TestAWSTheVersionInALineSaysNothingOfTheOrder(t *testing.T) {
	r := newAWS([]string{"srcaddr", "bytes", "@direction"}, []string{"version", "srcaddr", "dstaddr", "bytes"})
	got := read(t, r, "5 192.0.2.1 192.0.2.2 10\nbytes dstaddr srcaddr version\n20 192.0.2.4 192.0.2.3 5\r\n\n5 192.0.2.1\n")
	if want := []string{"192.0.2.1|10|", "192.0.2.3|20|"}; !slices.Equal(got.all, want) || got.malformed != 1 {
		t.Errorf("rows = %q, %d malformed; want %q, 1", got.all, got.malformed, want)
	}
}

// TestAWSAHeaderMayHaveTheAddressesBehindTranslationsAlone: as a record it would be one of the default format, and so
// would its lines.
func TestAWSAHeaderMayHaveTheAddressesBehindTranslationsAlone(t *testing.T) {
	r := newAWS([]string{"pkt-srcaddr", "bytes", "@direction"}, []string{"srcaddr", "dstaddr", "bytes", "flow-direction"})
	got := read(t, r, "pkt-srcaddr pkt-dstaddr flow-direction bytes\n192.0.2.1 192.0.2.2 egress 10\n")
	if want := []string{"192.0.2.1|10|egress"}; !slices.Equal(got.all, want) || got.malformed != 0 {
		t.Errorf("rows = %q, %d malformed; want %q, 0", got.all, got.malformed, want)
	}
}

func TestAWSTheOwnAddressOfAnInterfaceIsInAllItsLines(t *testing.T) {
	columns := []string{"interface-id", "srcaddr", "dstaddr", "flow-direction", "ecs-service-name"}
	for _, test := range []struct {
		name  string
		lines []string
		want  []string // direction and services
	}{
		{
			"two peers", []string{"eni-1 a b - -", "eni-1 c a - -"},
			[]string{"egress||", "ingress||"},
		},
		{
			"one peer alone", []string{"eni-1 a b - -", "eni-1 b a - -"},
			[]string{"||", "||"},
		},
		{
			"the other interface decides", []string{"eni-1 a b - -", "eni-2 a b - -", "eni-2 b c - -"},
			[]string{"egress||", "ingress||", "egress||"},
		},
		{
			"all addresses have interfaces already", []string{"eni-1 a b - -", "eni-2 a c - -", "eni-2 d a - -", "eni-3 b c - -", "eni-3 d b - -"},
			[]string{"||", "egress||", "ingress||", "egress||", "ingress||"},
		},
		{
			"the record says it", []string{"eni-1 a b ingress -", "eni-1 b a egress -"},
			[]string{"ingress||", "egress||"},
		},
		{
			"a service names the address of its own interface, in lines of others too",
			[]string{"eni-1 a b egress shop", "eni-2 a b ingress db", "eni-2 c b ingress db"},
			[]string{"egress|shop|db", "ingress|shop|db", "ingress||db"},
		},
		{
			"a line without data teaches nothing", []string{"eni-1 - - - -", "eni-1 a b - -", "eni-1 a c - -"},
			[]string{"||", "egress||", "egress||"},
		},
		{
			"a host that talks to itself", []string{"eni-1 a a - -", "eni-1 a b - -"},
			[]string{"||", "egress||"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 20 { // maps have no order
				got := read(t, newAWS([]string{"@direction", "@src-service", "@dest-service"}, columns), strings.Join(test.lines, "\n"))
				if !slices.Equal(got.all, test.want) {
					t.Fatalf("rows = %q, want %q", got.all, test.want)
				}
			}
		})
	}
}

func TestEachFormHasAReader(t *testing.T) {
	for _, p := range preset.Builtin() {
		if r, err := New(p); (r == nil) != (p.Form == "otlp") || (err != nil) != (p.Form == "otlp") {
			t.Errorf("New(%s) = %v, %v", p.Name, r, err)
		}
	}
}

// FuzzRead reads any body in each form. Two readings are equal, and no row comes twice: with n objects in a body there
// are at most n rows.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"flow_logs":[{"Bytes":1}]}`))
	f.Add([]byte("[{\"a\":{\"b\":1}},\n{\"a\":?}]"))
	f.Add([]byte("version srcaddr dstaddr\n5 192.0.2.1 192.0.2.2\n- - -"))
	f.Add([]byte("sa,da,ibyt\n192.0.2.1,\"a\nb\",1\nSummary\n1,2\nsa,da,ibyt\n1,2,3"))
	presets := preset.Builtin()
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, p := range presets {
			r, err := New(p)
			if err != nil {
				continue
			}
			var to, again rows
			err = r.Read(body, &to)
			if second := r.Read(body, &again); fmt.Sprint(second) != fmt.Sprint(err) || !slices.Equal(to.all, again.all) {
				t.Fatalf("two readings of %q differ", body)
			}
			if most := strings.Count(string(body), "{"); p.Form == "json" && len(to.all) > most {
				t.Fatalf("%d rows of %q, which has %d objects at most", len(to.all), body, most)
			}
		}
	})
}
