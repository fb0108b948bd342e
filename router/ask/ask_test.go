package ask

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/format"
	"flowring/router/parameter"
)

// now is in the hour 498897.
var now = time.Date(2026, 11, 30, 9, 59, 59, 0, time.UTC)

func parse(t interface{ Fatalf(string, ...any) }, text string) (*Query, error) {
	values, err := parameter.Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return Parser{}.Parse(values)
}

func resolve(t interface{ Fatalf(string, ...any) }, text string) *query.Spec {
	q, err := parse(t, text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	spec, err := q.Resolve(now)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return spec
}

func TestEachParameterHasItsPartOfTheQuestion(t *testing.T) {
	pattern := query.ParsePattern
	base := query.Spec{From: 1, To: 3, Group: query.DefaultFields}
	with := func(change func(*query.Spec)) query.Spec {
		s := base
		change(&s)
		return s
	}
	for text, want := range map[string]query.Spec{
		"from=1&to=3":                base,
		"hour=7&limit=2":             with(func(s *query.Spec) { s.From, s.To, s.Limit = 7, 8, 2 }),
		"hour=-9223372036854775808":  with(func(s *query.Spec) { s.From, s.To = -1<<63, -1<<63+1 }),
		"from=1&to=3&min_bytes=9":    with(func(s *query.Spec) { s.MinBytes = 9 }),
		"from=1&to=3&group_by=":      with(func(s *query.Spec) { s.Group = 0 }),
		"from=1&to=3&top=5":          with(func(s *query.Spec) { s.Top = 5 }),
		"from=1&to=3&top=5&by=bytes": with(func(s *query.Spec) { s.Top = 5 }),
		"from=1&to=3&group_by=vpc_id,hour": with(func(s *query.Spec) {
			s.Group = query.FieldsOf(query.Hour, query.VPCID)
		}),
		"from=1&to=3&top=5&by=bytes_rx&series=day": with(func(s *query.Spec) {
			s.Top, s.By, s.Series, s.HasSeries = 5, query.BytesRx, query.Day, true
		}),
		"from=1&to=3&sort=-dest_app": with(func(s *query.Spec) {
			s.Sort = query.Sort{By: query.SortByField, Field: query.DestApp, Descending: true}
		}),
		"from=1&to=3&sort=-bytes&limit=4": with(func(s *query.Spec) {
			s.Sort, s.Limit = query.Sort{By: query.SortByMeasure, Descending: true}, 4
		}),
		"from=1&to=3&src_app=a*&src_app=b&src_app!=c&dest_app=d&vpc_id!=e&app=f&app!=g": with(func(s *query.Spec) {
			s.Filters = query.Filters{
				Src:  query.Filter{Include: []query.Pattern{pattern("a*"), pattern("b")}, Exclude: []query.Pattern{pattern("c")}},
				Dest: query.Filter{Include: []query.Pattern{pattern("d")}},
				VPC:  query.Filter{Exclude: []query.Pattern{pattern("e")}},
				App:  query.Filter{Include: []query.Pattern{pattern("f")}, Exclude: []query.Pattern{pattern("g")}},
			}
		}),
	} {
		if got := resolve(t, text); !reflect.DeepEqual(*got, want) {
			t.Errorf("%q asks for\n%+v, want\n%+v", text, *got, want)
		}
	}
}

func TestTimesHaveThreeForms(t *testing.T) {
	for text, want := range map[string][2]flow.Hour{
		"from=-24h":          {498873, 498898},
		"from=-24h&to=now":   {498873, 498897},
		"from=-7d&to=-1d":    {498897 - 168, 498897 - 24},
		"from=-2h&to=-0h":    {498895, 498897},
		"from=-5&to=-3":      {-5, -3},
		"from=498896&to=now": {498896, 498897},
		"from=2026-11-30T09:15:00%2b01:00&to=2026-11-30T09:59:59.999Z": {498896, 498897},
		"from=2026-11-30T09:15:00+01:00&to=now":                        {498896, 498897}, // + is a space in a query
	} {
		spec := resolve(t, text+"&group_by=")
		if got := [2]flow.Hour{spec.From, spec.To}; got != want {
			t.Errorf("%q = %d, want %d", text, got, want)
		}
	}
	if got := HourOf(time.Unix(-1, 0)); got != -1 {
		t.Errorf("HourOf(a second before the epoch) = %d, want -1", got)
	}
}

func TestEachFaultIsNamedWithItsCorrection(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "from is missing; ask for a range, as in from=-24h, or for one hour, as in hour=20",
		"to=5":                            "from is missing",
		"from=":                           `from is ""; it must be an hour such as 498897`,
		"from=-24m":                       `from is "-24m"; it must be an hour such as 498897, a time such as 2026-11-30T09:00:00Z, or now, -24h, -7d`,
		"from=24h":                        `from is "24h"`,
		"from=-99999999999999999999h":     `from is "-99999999999999999999h"`,
		"from=-100000000001d":             `from is "-100000000001d"`,
		"from=1.5":                        `from is "1.5"`,
		"from=yesterday":                  `from is "yesterday"`,
		"from=2026-11-30":                 `from is "2026-11-30"`,
		"from=1796031600":                 "from: 1796031600 looks like seconds since 1970; its hour is 498897",
		"from=1&to=1796031600000":         "looks like milliseconds",
		"hour=1796031600&top=1":           "hour: 1796031600 looks like seconds",
		"from=1&from=2":                   "from is given 2 times",
		"from=1&to=2&to=3":                "to is given 2 times",
		"from=5&to=5":                     "the range from 5 to 5 has no hours; to must be greater than from",
		"from=now&to=-1h":                 "the range from 498897 to 498896 has no hours",
		"hour=1&from=1":                   "hour excludes from and to",
		"hour=x&top=1":                    `hour is "x"; it must be an integer of 64 bits`,
		"hour=1&hour=2&top=1":             "hour is given 2 times",
		"hour=9223372036854775807&top=1":  "hour is 9223372036854775807; a query has the hours before this one",
		"hour=2026-11-30T09:15:00Z&top=1": "its hour is 498897",
		"hour=1&src_app=":                 "src_app is empty; give a name or a pattern such as web-*, or leave it out",
		"hour=1&app!=":                    "app! is empty",
		"hour=1&src_app=" + strings.Repeat("x", 1025):       "a pattern has at most 1024 bytes",
		"hour=1" + strings.Repeat("&app=x", 1001):           "the filters have 1001 values, and at most 1000 are allowed",
		"hour=1&group_by=src":                               `group_by has "src", the nearest known field is src_app; the fields are hour, day, src_app, dest_app, vpc_id`,
		"hour=1&group_by=src_app,":                          `group_by has ""`,
		"hour=1&group_by=src_app,src_app":                   "group_by has src_app twice",
		"hour=1&group_by=src_app&group_by=vpc_id":           "group_by is given 2 times",
		"hour=1&group_by=hour,day":                          "group_by has hour and day; leave one out",
		"hour=1&top=0":                                      `top is "0"; it must be an integer from 1 to 100000`,
		"hour=1&top=100001":                                 `top is "100001"`,
		"hour=1&by=bytes":                                   "by needs top, as in top=10&by=bytes_tx",
		"hour=1&top=1&by=byte":                              `by is "byte", the nearest known value is bytes; the values are bytes, bytes_tx, bytes_rx`,
		"hour=1&series=hour":                                "series needs top, as in top=10&series=hour",
		"hour=1&top=1&series=week":                          `series is "week", the nearest known value is hour; the values are hour, day`,
		"hour=1&top=1&series=hour&group_by=day":             "series excludes hour and day in group_by",
		"hour=1&top=1&limit=1":                              "top excludes limit; leave limit out, or top",
		"hour=1&top=1&sort=src_app":                         "top excludes sort",
		"hour=1&top=1&cursor=x":                             "top excludes cursor",
		"hour=1&sort=byte":                                  `sort is "byte", the nearest known value is bytes`,
		"hour=1&sort=--bytes":                               `sort is "--bytes"`,
		"hour=1&sort=hour":                                  "sort is hour, which is not in group_by",
		"hour=1&sort=bytes":                                 "sort=bytes needs a limit of at most 100000, as in sort=bytes&limit=10",
		"hour=1&sort=-bytes&limit=100001":                   `limit is "100001"; it must be an integer from 1 to 100000`,
		"hour=1&sort=bytes&limit=1&cursor=x":                "sort=bytes has no pages",
		"hour=1&limit=0":                                    `limit is "0"`,
		"hour=1&limit=2147483648":                           `limit is "2147483648"`,
		"hour=1&min_bytes=-1":                               `min_bytes is "-1"`,
		"hour=1&format=xml":                                 `format is "xml", the nearest known value is csv; the values are json, ndjson, csv`,
		"hour=1&numbers=text":                               `numbers is "text"; it must be string, or left out`,
		"hour=1&limit=1&partial=true&require=complete":      "partial=true and require=complete contradict each other",
		"hour=1&limit=1&cursor=AQ":                          `cursor is "AQ", which no page has given; follow the Link of the page before`,
		"hour=1&limit=1&cursor=%00":                         `cursor is "\x00", which no page has given`,
		"hour=1&limit=1&cursor=AgAAAAAAAAAAAAAA":            "which is of another version of this program",
		"hour=1&limit=1&cursor=AQAAAAAAAAAAAAAA":            "which is damaged or belongs to another query",
		"hour=1&limit=1&cursor=" + strings.Repeat("A", 1e4): "which no page has given",
	} {
		q, err := parse(t, text)
		if err == nil {
			_, err = q.Resolve(now)
		}
		if refusal, detail, ok := contract.RefusalOf(err); !ok || refusal != contract.Query || !strings.Contains(detail, want) {
			t.Errorf("%.80q: %v, want the problem query with %q", text, err, want)
		}
	}
}

func TestTimesInOtherUnitsAreHoursForANodeThatAcceptsThem(t *testing.T) {
	values := url.Values{"from": {"1796031600"}, "to": {"1796031601"}}
	if q, err := (Parser{AnyHour: true}).Parse(values); err != nil || q.From.Hours != 1796031600 {
		t.Errorf("Parse = %+v, %v, want the hour 1796031600", q, err)
	}
}

func TestOnlyFurtherParametersMakeAQuery(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "hour=1": false, "hour=1&partial=true": false, "require=complete&hour=1&_=7": false,
		"hour=1&format=json": true, "from=1": true, "hour=1&src_app!=x": true, "group_by=": true,
	} {
		values, _ := url.ParseQuery(text)
		if got := IsQuery(values); got != want {
			t.Errorf("IsQuery(%q) = %t, want %t", text, got, want)
		}
	}
}

// queries draws queries from the parameters of a client.
func queries() *rapid.Generator[url.Values] {
	return rapid.Custom(func(t *rapid.T) url.Values {
		v := url.Values{}
		maybe := func(name string, values ...string) {
			if rapid.Bool().Draw(t, name+"?") {
				v.Set(name, rapid.SampledFrom(values).Draw(t, name))
			}
		}
		v.Set("from", rapid.SampledFrom([]string{"-3", "0", "-24h", "-7d", "2026-11-30T08:00:00Z"}).Draw(t, "from"))
		v.Set("to", rapid.SampledFrom([]string{"now", "498898", "2026-11-30T09:00:00Z"}).Draw(t, "to"))
		if rapid.Bool().Draw(t, "no to") {
			v.Del("to")
		}
		for _, name := range filterNames {
			for _, key := range []string{name, name + excluded} {
				if texts := rapid.SliceOfN(rapid.StringMatching(`[a-b*\\&=+ é]{1,4}`), 0, 2).Draw(t, key); len(texts) > 0 {
					v[key] = texts
				}
			}
		}
		maybe("group_by", "", "hour", "day,src_app", "vpc_id,src_app", "src_app,dest_app,vpc_id")
		maybe("min_bytes", "0", "5", "9223372036854775807")
		maybe("format", format.FormNames()...)
		maybe("numbers", "string")
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			v.Set("top", "10")
			maybe("by", measures()...)
			if g := v.Get("group_by"); !strings.Contains(g, "hour") && !strings.Contains(g, "day") {
				maybe("series", "hour", "day")
			}
		case 1:
			v.Set("limit", "7")
			maybe("sort", "bytes", "-bytes_tx", "-bytes_rx")
		case 2:
			if !v.Has("group_by") {
				maybe("sort", "src_app", "-vpc_id")
			}
			maybe("limit", "3")
		}
		maybe(rapid.SampledFrom([]string{"partial", "require"}).Draw(t, "need"), "true", "complete")
		return v
	})
}

func TestAQueryIsTheSameByItsCanonicalParameters(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		values := queries().Draw(t, "parameters")
		q, err := Parser{}.Parse(values)
		if err != nil { // partial=complete and require=true
			return
		}
		accepted++
		again, err := Parser{}.Parse(q.Values())
		if err != nil || !reflect.DeepEqual(q, again) {
			t.Fatalf("%v is %+v\nby its canonical parameters %v: %+v, %v", values, q, q.Values(), again, err)
		}
		if _, err := q.Resolve(now); err != nil {
			t.Fatalf("Resolve of %v: %v", values, err)
		}
	})
	if accepted == 0 {
		t.Error("no query was accepted")
	}
}

// A changed cursor would leave rows out, or show them twice.
func TestADamagedCursorIsRefused(t *testing.T) {
	const text = "from=-24h&group_by=hour,src_app&limit=2"
	q, _ := parse(t, text)
	spec, err := q.Resolve(now)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := base64.RawURLEncoding.DecodeString(q.Cursor(spec, query.Key{Time: int64(spec.From), Src: "abc"}))
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 2
		if _, err := parse(t, text+"&cursor="+base64.RawURLEncoding.EncodeToString(damaged)); !errors.Is(err, contract.Query) {
			t.Errorf("a cursor with another byte %d of %d: %v, want a refusal", at, len(whole), err)
		}
	}
}

func TestACursorKeepsTheRangeOfTheFirstPage(t *testing.T) {
	const text = "from=-24h&src_app=a*&limit=2"
	first, _ := parse(t, text)
	spec, err := first.Resolve(now)
	if err != nil {
		t.Fatal(err)
	}
	after := query.Key{Src: "a&b", Dest: "é", VPC: ""}
	cursor := url.QueryEscape(first.Cursor(spec, after))
	for _, same := range []string{"", "&format=csv", "&numbers=string", "&partial=true"} {
		next, err := parse(t, text+same+"&cursor="+cursor)
		if err != nil {
			t.Fatalf("the next page with %q: %v", same, err)
		}
		got, err := next.Resolve(now.Add(5 * time.Hour))
		if err != nil || got.From != spec.From || got.To != spec.To || *got.After != after {
			t.Errorf("the next page five hours later = %+v, %v, want the range %d to %d behind %v", got, err, spec.From, spec.To, after)
		}
	}
	if _, err := parse(t, "from=-24h&src_app=a*&limit=9&cursor="+cursor); err != nil {
		t.Errorf("the next page with another limit: %v", err)
	}
	for _, other := range []string{
		"from=-25h&src_app=a*&limit=2", "from=-24h&to=now&src_app=a*&limit=2", "from=-24h&src_app=a&limit=2",
		"from=-24h&src_app!=a*&limit=2", text + "&group_by=src_app", text + "&min_bytes=1", text + "&sort=src_app",
	} {
		if _, err := parse(t, other+"&cursor="+cursor); err == nil || !strings.Contains(err.Error(), "belongs to another query") {
			t.Errorf("%q takes the cursor of %q: %v", other, text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"from=-24h&src_app=a*&limit=2", "hour=5&group_by=day&sort=-day", "from=1&to=9&top=3&by=bytes_tx&series=hour",
		"from=2026-11-30T09:00:00+01:00&app!=x\\*&min_bytes=3&format=csv", "from=1&to=2&limit=1&cursor=AQAAAAAAAAAAAgQAAWEBYgF2",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		q, err := Parser{}.Parse(values)
		if err != nil {
			if _, _, ok := contract.RefusalOf(err); !ok {
				t.Fatalf("Parse(%q): %v, want a refusal", text, err)
			}
			return
		}
		spec, err := q.Resolve(now)
		if err != nil {
			return
		}
		if err := spec.Validate(); err != nil {
			t.Fatalf("%q asks for an invalid question: %v", text, err)
		}
		again, err := Parser{}.Parse(q.Values())
		if q.page = nil; err != nil || !reflect.DeepEqual(q, again) {
			t.Fatalf("%q is %+v, by its canonical parameters %+v, %v", text, q, again, err)
		}
		if spec.Top > 0 || spec.Sort.By == query.SortByMeasure {
			return
		}
		withCursor := q.Values()
		withCursor.Set("cursor", q.Cursor(spec, query.Key{Time: 1, Src: "a"}))
		if _, err := (Parser{}).Parse(withCursor); err != nil {
			t.Fatalf("%q refuses its own cursor: %v", text, err)
		}
	})
}
