package ask

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/ask"
)

// The flags of a query are the parameters of GET /flows, apart from those of the command itself: hour and the need are
// other flags, the format is --format, pages are --all, and numbers are for JavaScript.
func TestFlagsAreTheParametersOfTheRouter(t *testing.T) {
	var q Question
	q.AddFlags(pflag.NewFlagSet("get", pflag.ContinueOnError))
	var got []string
	for parameter := range q.values {
		got = append(got, parameter)
	}
	want := slices.DeleteFunc(ask.Parameters(), func(name string) bool {
		return slices.Contains([]string{"hour", "partial", "require", "cursor", "format", "numbers"}, name)
	})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the flags are the parameters %q, want %q", got, want)
	}
}

func TestOnlyGivenFlagsAreParameters(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{"--group-by", ""}, "group_by="},
		{[]string{"--top", "0"}, "top=0"},
		{[]string{"--app", "a", "--app", "b", "--not-vpc-id", "c"}, "app=a&app=b&vpc_id%21=c"},
		{[]string{"--from", "-24h", "--limit", "5k"}, "from=-24h&limit=5000"},
	} {
		var q Question
		f := pflag.NewFlagSet("get", pflag.ContinueOnError)
		q.AddFlags(f)
		if err := f.Parse(tt.args); err != nil {
			t.Fatal(err)
		}
		if got := q.Values().Encode(); got != tt.want {
			t.Errorf("%q are the parameters %s, want %s", tt.args, got, tt.want)
		}
	}
}

func TestNeedsAreParameters(t *testing.T) {
	for need, want := range map[contract.Need]string{
		contract.NeedUnproven: "", contract.NeedComplete: "require=complete", contract.NeedPartial: "partial=true",
	} {
		values := url.Values{}
		if AddNeed(values, need); values.Encode() != want {
			t.Errorf("the need %v is %s, want %s", need, values.Encode(), want)
		}
	}
}

func TestTheColumnsOfATableFollowTheQuestion(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                   {"SRC APP", "DEST APP", "VPC"},
		"group_by=":                          nil,
		"group_by=vpc_id,day":                {"DAY (UTC)", "VPC"},
		"group_by=src_app&top=1&series=hour": {"HOUR", "TIME (UTC)", "SRC APP"},
	} {
		values, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := NewLayout(PathFlows, values).Table(query.Bytes).Headings; !slices.Equal(got, want) {
			t.Errorf("the columns of %q are %q, want %q", text, got, want)
		}
	}
}

// A time outside of the calendar is absent in the answer.
func TestTimesAreOfCoordinatedUniversalTime(t *testing.T) {
	hour, day := int64(498897), int64(-1)
	for _, tt := range []struct {
		row   Row
		field query.Field
		want  []string
	}{
		{Row{Hour: &hour, Time: "2026-11-30T09:00:00Z"}, query.Hour, []string{"498897", "2026-11-30 09:00"}},
		{Row{Hour: &hour}, query.Hour, []string{"498897", "-"}},
		{Row{Day: &day, Time: "1969-12-31T00:00:00Z"}, query.Day, []string{"1969-12-31"}},
		{Row{}, query.Hour, []string{"-", "-"}},
	} {
		if got := names(&tt.row, tt.field); !slices.Equal(got, tt.want) {
			t.Errorf("names(%+v, %s) = %q, want %q", tt.row, tt.field, got, tt.want)
		}
	}
}

// The row of all other groups has no hour and no day, except in a series.
func TestAllOthersOfSeveralTimesHaveNoTime(t *testing.T) {
	for group, want := range map[string][]string{
		"hour": {"other (7 groups)", ""}, "hour,vpc_id": {"other (7 groups)", "", ""}, "day": {"other (7 groups)"},
	} {
		layout := NewLayout(PathFlows, url.Values{"group_by": {group}, "top": {"1"}})
		if got := layout.Row(&Row{Other: true, Groups: 7}).Names; !slices.Equal(got, want) {
			t.Errorf("%s: all others are %q, want %q", group, got, want)
		}
	}
	hour := int64(498897)
	layout := NewLayout(PathFlows, url.Values{"group_by": {"vpc_id"}, "top": {"1"}, "series": {"hour"}})
	row := layout.Row(&Row{Hour: &hour, Time: "2026-11-30T09:00:00Z", Other: true, Groups: 7})
	if want := []string{"498897", "2026-11-30 09:00", "other (7 groups)"}; !slices.Equal(row.Names, want) {
		t.Errorf("all others of an hour are %q, want %q", row.Names, want)
	}
}

func TestRowsThatBreakOffAreAnError(t *testing.T) {
	for text, want := range map[string]int{"": 0, "{}\n{}\n": 2, "{\"bytes_tx\":1}": 1, "{}\n{": -1, "[]": -1, "{\"hour\":\"x\"}": -1} {
		rows := 0
		err := EachRow(strings.NewReader(text), func(*Row) error { rows++; return nil })
		if (err != nil) != (want < 0) || err == nil && rows != want {
			t.Errorf("EachRow(%q) = %v after %d rows, want %d", text, err, rows, want)
		}
	}
}

func TestMeasures(t *testing.T) {
	for text, want := range map[string]query.Measure{
		"": query.Bytes, "by=bytes_rx": query.BytesRx, "sort=-bytes_tx": query.BytesTx, "sort=src_app": query.Bytes,
	} {
		values, _ := url.ParseQuery(text)
		if got := MeasureOf(values); got != want {
			t.Errorf("MeasureOf(%s) = %v, want %v", text, got, want)
		}
	}
}

// On a terminal no name steers it, in any format and on any page.
func TestPagesOnATerminalHaveNoControlCharacters(t *testing.T) {
	const name = "\x1b[2Ja"
	for format, page := range map[string]string{
		output.FormatCSV:    "src_app\n" + name + "\n",
		output.FormatNDJSON: `{"src_app":"` + "\u009b2J" + `"}` + "\n",
		output.FormatJSON:   `[{"src_app":"` + "\u009b2J" + `"}]` + "\n",
	} {
		var out strings.Builder
		c := &copied{w: &out, format: format, terminal: true}
		for range 2 {
			if err := c.page(strings.NewReader(page), false); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.end(); err != nil || strings.ContainsAny(out.String(), "\x1b\u009b") || strings.Count(out.String(), "2J") != 2 {
			t.Errorf("%s: the terminal gets %q, %v", format, &out, err)
		}
	}
}

// namesAt asks for names at a double of a node.
func namesAt(t *testing.T, h http.HandlerFunc, values url.Values) []string {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	return Names(t.Context(), &access.Access{Targets: []string{server.URL}, Timeout: time.Minute}, "src_app", "we", values)
}

func TestNamesComeFromTheNode(t *testing.T) {
	var asked []string
	answer := func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+"?"+r.URL.RawQuery)
		w.Header().Set("Flowring-Complete", "unproven")
		io.WriteString(w, `["web-1","we\u001b[2J","web-2"]`)
	}
	for _, values := range []url.Values{{}, {"from": {"-7d"}, "to": {"now"}, "top": {"3"}}} {
		if got, want := namesAt(t, answer, values), []string{"web-1", "web-2"}; !slices.Equal(got, want) {
			t.Errorf("Names = %q, want %q", got, want)
		}
	}
	want := []string{"/names?field=src_app&from=-24h&limit=100&prefix=we", "/names?field=src_app&from=-7d&limit=100&prefix=we&to=now"}
	if !reflect.DeepEqual(asked, want) {
		t.Errorf("Names asked %q, want %q", asked, want)
	}
	if got := namesAt(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }, nil); got != nil {
		t.Errorf("Names of a node that refuses = %q, want none", got)
	}
}
