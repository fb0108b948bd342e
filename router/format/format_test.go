package format

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow/query"
	"flowring/internal/contract"
)

func written(t *testing.T, form Form, texts bool, spec query.Spec, rows ...query.Row) (string, *Rows) {
	t.Helper()
	var out bytes.Buffer
	w := NewRows(&out, form, texts, &spec)
	for i := range rows {
		if err := w.Write(&rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String(), w
}

func TestRowsInEachForm(t *testing.T) {
	byHour := query.Spec{Group: query.FieldsOf(query.Hour, query.SrcApp)}
	top := query.Spec{Group: query.FieldsOf(query.SrcApp), Top: 1}
	topHour := query.Spec{Group: query.FieldsOf(query.Hour, query.SrcApp), Top: 1}
	series := query.Spec{Group: query.FieldsOf(query.SrcApp), Top: 1, HasSeries: true, Series: query.Day}
	sum := query.SumOf
	hour := query.Row{Key: query.Key{Time: 498897, Src: "a\"b"}, Tx: sum(1), Rx: sum(2)}
	largest := query.Row{Key: query.Key{Src: "a, b"}, Tx: sum(5), Rx: sum(6)}
	other := query.Row{Tx: sum(3), Rx: sum(4), Other: true, Groups: 7}
	ofDay, otherOfDay := largest, other
	ofDay.Time, otherOfDay.Time = -1, -1
	for _, tt := range []struct {
		name  string
		form  Form
		texts bool
		spec  query.Spec
		rows  []query.Row
		want  string
	}{
		{"no rows", JSON, false, byHour, nil, "[]\n"},
		{"no rows", NDJSON, false, byHour, nil, ""},
		{"no rows", CSV, false, byHour, nil, "hour,time,src_app,bytes_tx,bytes_rx\n"},
		{"hours", JSON, false, byHour, []query.Row{hour, hour},
			`[{"hour":498897,"time":"2026-11-30T09:00:00Z","src_app":"a\"b","bytes_tx":1,"bytes_rx":2},` + "\n" +
				`{"hour":498897,"time":"2026-11-30T09:00:00Z","src_app":"a\"b","bytes_tx":1,"bytes_rx":2}]` + "\n"},
		{"hours", NDJSON, true, byHour, []query.Row{hour},
			`{"hour":498897,"time":"2026-11-30T09:00:00Z","src_app":"a\"b","bytes_tx":"1","bytes_rx":"2"}` + "\n"},
		{"hours", CSV, true, byHour, []query.Row{hour},
			"hour,time,src_app,bytes_tx,bytes_rx\n" + `498897,2026-11-30T09:00:00Z,"a""b",1,2` + "\n"},
		{"all others", JSON, false, top, []query.Row{largest, other},
			`[{"src_app":"a, b","bytes_tx":5,"bytes_rx":6},` + "\n" + `{"other":true,"groups":7,"bytes_tx":3,"bytes_rx":4}]` + "\n"},
		{"all others", CSV, false, top, []query.Row{largest, other},
			"src_app,bytes_tx,bytes_rx,other,groups\n" + `"a, b",5,6,,` + "\n" + ",3,4,true,7\n"},
		{"all others of the hours", JSON, false, topHour, []query.Row{hour, other},
			`[{"hour":498897,"time":"2026-11-30T09:00:00Z","src_app":"a\"b","bytes_tx":1,"bytes_rx":2},` + "\n" +
				`{"other":true,"groups":7,"bytes_tx":3,"bytes_rx":4}]` + "\n"},
		{"all others of the hours", CSV, false, topHour, []query.Row{hour, other},
			"hour,time,src_app,bytes_tx,bytes_rx,other,groups\n" + `498897,2026-11-30T09:00:00Z,"a""b",1,2,,` + "\n" + ",,,3,4,true,7\n"},
		{"a series", NDJSON, false, series, []query.Row{ofDay, otherOfDay},
			`{"day":-1,"time":"1969-12-31T00:00:00Z","src_app":"a, b","bytes_tx":5,"bytes_rx":6}` + "\n" +
				`{"day":-1,"time":"1969-12-31T00:00:00Z","other":true,"groups":7,"bytes_tx":3,"bytes_rx":4}` + "\n"},
		{"a series", CSV, false, series, []query.Row{ofDay, otherOfDay},
			"day,time,src_app,bytes_tx,bytes_rx,other,groups\n" + `-1,1969-12-31T00:00:00Z,"a, b",5,6,,` + "\n" +
				"-1,1969-12-31T00:00:00Z,,3,4,true,7\n"},
		{"a total", JSON, false, query.Spec{}, []query.Row{{}}, `[{"bytes_tx":0,"bytes_rx":0}]` + "\n"},
	} {
		if got, w := written(t, tt.form, tt.texts, tt.spec, tt.rows...); got != tt.want || w.Count() != len(tt.rows) {
			t.Errorf("%s in %s, %d rows:\n%s\nwant\n%s", tt.name, tt.form, w.Count(), got, tt.want)
		}
	}
}

// The caller holds the rows until it knows the headers that follow from them.
func TestATableLeavesTheBufferOfItsCallerAlone(t *testing.T) {
	for _, form := range []Form{JSON, NDJSON, CSV} {
		var out bytes.Buffer
		held := bufio.NewWriterSize(&out, 1<<16)
		w := NewRows(held, form, false, &query.Spec{})
		if err := errors.Join(w.Write(&query.Row{}), w.Close()); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 0 || held.Buffered() == 0 {
			t.Errorf("%s: %q has left the buffer, which has %d bytes", form, out.String(), held.Buffered())
		}
	}
}

func TestSumsBeyond63BitsAreShownAsTheLargestAndReported(t *testing.T) {
	largest := query.SumOf(math.MaxInt64)
	for _, tt := range []struct {
		tx   query.Sum
		want bool
	}{{largest, false}, {largest.Plus(query.SumOf(1)), true}, {query.Sum{High: 1}, true}} {
		text, w := written(t, JSON, false, query.Spec{}, query.Row{Tx: tt.tx}, query.Row{})
		if w.Saturated() != tt.want || !strings.HasPrefix(text, `[{"bytes_tx":9223372036854775807,`) {
			t.Errorf("%+v is shown as %s, saturated %t, want %t", tt.tx, text, w.Saturated(), tt.want)
		}
	}
}

func TestHoursBeyondTheYearsOfRFC3339HaveNoTime(t *testing.T) {
	for _, tt := range []struct {
		value int64
		field query.Field
		want  string
	}{
		{0, query.Hour, "1970-01-01T00:00:00Z"}, {-1, query.Hour, "1969-12-31T23:00:00Z"},
		{firstHour, query.Hour, "0000-01-01T00:00:00Z"}, {firstHour - 1, query.Hour, ""},
		{lastHour, query.Hour, "9999-12-31T23:00:00Z"}, {lastHour + 1, query.Hour, ""},
		{math.MaxInt64, query.Hour, ""}, {math.MinInt64, query.Day, ""}, {math.MaxInt64, query.Day, ""},
		{lastHour / 24, query.Day, "9999-12-31T00:00:00Z"}, {lastHour/24 + 1, query.Day, ""},
	} {
		var text timeText
		for range 2 { // the second time from the last value
			if got := text.of(tt.value, tt.field); got != tt.want {
				t.Errorf("the time of %s %d = %q, want %q", tt.field, tt.value, got, tt.want)
			}
		}
	}
	text, _ := written(t, JSON, false, query.Spec{Group: query.FieldsOf(query.Hour)}, query.Row{Key: query.Key{Time: math.MinInt64}})
	if want := `[{"hour":-9223372036854775808,"bytes_tx":0,"bytes_rx":0}]` + "\n"; text != want {
		t.Errorf("a row of the first hour = %s, want %s", text, want)
	}
}

// Libraries of others read every name back, in each form.
func TestNamesAreReadBack(t *testing.T) {
	spec := query.Spec{Group: query.FieldsOf(query.SrcApp, query.DestApp)}
	rapid.Check(t, func(rt *rapid.T) {
		// encoding/csv reads CR LF within a cell as LF.
		name := rapid.String().Filter(func(s string) bool { return s != "" && !strings.Contains(s, "\r\n") })
		row := query.Row{Key: query.Key{Src: name.Draw(rt, "src"), Dest: name.Draw(rt, "dest")}, Tx: query.SumOf(1)}
		text, _ := written(t, CSV, false, spec, row)
		cells, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(cells) != 2 || cells[1][0] != row.Src || cells[1][1] != row.Dest {
			rt.Fatalf("CSV %q is read as %q, %v, want %+v", text, cells, err, row.Key)
		}
		text, _ = written(t, JSON, false, spec, row)
		var objects []map[string]any
		if err := json.Unmarshal([]byte(text), &objects); err != nil || objects[0]["src_app"] != row.Src || objects[0]["dest_app"] != row.Dest {
			rt.Fatalf("JSON %q is read as %q, %v, want %+v", text, objects, err, row.Key)
		}
	})
}

func TestHoursAndNamesInEachForm(t *testing.T) {
	totals := []contract.HourTotals{
		{Hour: 20, Tx: query.SumOf(1), Rx: query.SumOf(2), Flows: 3, Complete: contract.Complete},
		{Hour: 21, Tx: query.Sum{High: 1}, Flows: -1, Complete: contract.Unproven},
	}
	for form, want := range map[Form][2]string{
		JSON: {
			`[{"hour":20,"time":"1970-01-01T20:00:00Z","bytes_tx":1,"bytes_rx":2,"flows":3,"complete":"true"},` + "\n" +
				`{"hour":21,"time":"1970-01-01T21:00:00Z","bytes_tx":9223372036854775807,"bytes_rx":0,"complete":"unproven"}]` + "\n",
			"[\"a\\\"\",\n\"b\"]\n",
		},
		NDJSON: {
			`{"hour":20,"time":"1970-01-01T20:00:00Z","bytes_tx":1,"bytes_rx":2,"flows":3,"complete":"true"}` + "\n" +
				`{"hour":21,"time":"1970-01-01T21:00:00Z","bytes_tx":9223372036854775807,"bytes_rx":0,"complete":"unproven"}` + "\n",
			"\"a\\\"\"\n\"b\"\n",
		},
		CSV: {
			"hour,time,bytes_tx,bytes_rx,flows,complete\n20,1970-01-01T20:00:00Z,1,2,3,true\n" +
				"21,1970-01-01T21:00:00Z,9223372036854775807,0,,unproven\n",
			"name\n\"a\"\"\"\nb\n",
		},
	} {
		var hours, names bytes.Buffer
		h, n := NewHours(&hours, form, false), NewNames(&names, form)
		for i := range totals {
			h.Write(&totals[i])
		}
		n.Write(`a"`)
		n.Write("b")
		if h.Close() != nil || n.Close() != nil || hours.String() != want[0] || names.String() != want[1] || !h.Saturated() {
			t.Errorf("%s:\n%s%s\nwant\n%s%s", form, hours.String(), names.String(), want[0], want[1])
		}
	}
}

func TestTheClientChoosesTheForm(t *testing.T) {
	for header, want := range map[string]Form{
		"": JSON, "*/*": JSON, "text/csv": CSV, "application/x-ndjson, text/csv;q=0.9": NDJSON, "text/html": JSON, "text/csv;q=0, */*": JSON,
	} {
		if got := Accepted([]string{header}); got != want {
			t.Errorf("Accepted(%q) = %s, want %s", header, got, want)
		}
	}
	for _, name := range FormNames() {
		if got := Named(name).String(); got != name {
			t.Errorf("Named(%q) = %q", name, got)
		}
	}
	if Named("xml") != Unnamed {
		t.Error("Named(xml) is a form")
	}
}
