package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flowring/cmd/flowring/settings"
)

// pagesOf is a double of a cluster: it answers the first request with the first page, and the others by their cursor.
func pagesOf(t *testing.T, complete []string, pages ...string) (asked *[]string) {
	t.Helper()
	asked = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/members" {
			io.WriteString(w, `{"members":[],"retention":{"keep_seconds":1,"closed":498890,"expired":498866,"proposals":[]}}`)
			return
		}
		*asked = append(*asked, r.URL.Path+"?"+r.URL.RawQuery)
		i := len(r.URL.Query().Get("cursor"))
		w.Header().Set("Flowring-Complete", complete[min(i, len(complete)-1)])
		w.Header().Set("Trailer", "Flowring-Saturated")
		if i < len(pages)-1 {
			q := r.URL.Query()
			q.Set("cursor", strings.Repeat("x", i+1))
			w.Header().Set("Link", "<"+r.URL.Path+"?"+q.Encode()+`>; rel="next"`)
		} else {
			defer w.Header().Set("Flowring-Saturated", "true")
		}
		io.WriteString(w, pages[i])
	}))
	t.Cleanup(server.Close)
	t.Setenv(settings.TargetVariable, server.URL)
	return asked
}

const (
	rowA      = `{"src_app":"web-1","bytes_tx":1000,"bytes_rx":3000}`
	rowB      = `{"src_app":"web-2","bytes_tx":9223372036854775807,"bytes_rx":0}`
	saturated = "flowring: note: a sum is larger than 9223372036854775807, and is shown as this number\n"
	unproven  = "flowring: note: the answer may be incomplete: a store that may hold a part of it did not answer\n"
	partial   = "flowring: note: the answer is incomplete: a store that should hold a part of it did not answer\n"
	more      = "flowring: note: there are more rows: --all prints them, --limit sets their number\n"
)

func TestQueriesOfGet(t *testing.T) {
	whole := []string{"true"}
	for _, tt := range []struct {
		name     string
		complete []string
		pages    []string
		args     string
		want     []string // requests
		out, err string
	}{
		{"all flags are parameters", whole, []string{"[]\n"},
			"get --from -24h --to now --src-app web-* --src-app b --dest-app c --vpc-id d --app e --not-src-app f --not-app g " +
				"--group-by src_app --top 10 --by bytes_tx --series hour --min-bytes 1k --partial",
			[]string{"/flows?app=e&app%21=g&by=bytes_tx&dest_app=c&format=json&from=-24h&group_by=src_app&min_bytes=1000&partial=true" +
				"&series=hour&src_app=web-%2A&src_app=b&src_app%21=f&to=now&top=10&vpc_id=d"}, "[]\n", saturated},
		{"an hour with a flag is a query", whole, []string{"[]\n"}, "get 20 --group-by= --require-complete",
			[]string{"/flows?format=json&group_by=&hour=20&require=complete"}, "[]\n", saturated},
		{"the first page alone", whole, []string{"[" + rowA + "]\n", "[]\n"}, "get 20 --limit 1",
			[]string{"/flows?format=json&hour=20&limit=1"}, "[" + rowA + "]\n", more},
		{"pages are one array", []string{"true", "unproven", "false", "unproven"},
			[]string{"[" + rowA + "]\n", "[" + rowB + "]\n", "[" + rowA + "]\n", "[]\n"}, "get 20 --limit 1 --all",
			[]string{"/flows?format=json&hour=20&limit=1", "/flows?cursor=x&format=json&hour=20&limit=1",
				"/flows?cursor=xx&format=json&hour=20&limit=1", "/flows?cursor=xxx&format=json&hour=20&limit=1"},
			"[" + rowA + ",\n" + rowB + ",\n" + rowA + "]\n", unproven + partial + saturated},
		{"one page of all is as it is", whole, []string{"[ " + rowA + " ]\n"}, "get 20 --limit 1 --all", nil, "[ " + rowA + " ]\n", saturated},
		{"pages are lines", whole, []string{rowA + "\n", rowB + "\n"}, "get 20 --limit 1 --all --format ndjson", nil,
			rowA + "\n" + rowB + "\n", saturated},
		{"pages are one table of CSV", whole, []string{"a,b\n1,\"x\ny\"\n", "a,b\n2,\n", "a,b\n"}, "get 20 --limit 1 --all --format csv", nil,
			"a,b\n1,\"x\ny\"\n2,\n", saturated},
		{"a table", whole, []string{rowA + "\n", rowB + "\n"}, "get 20 --group-by src_app --format table",
			[]string{"/flows?format=ndjson&group_by=src_app&hour=20&limit=1000"},
			"SRC APP  BYTES TX  BYTES RX    SHARE\nweb-1     1.00 kB   3.00 kB  100.0 %  ████████████████████\n\n1 row     1.00 kB   3.00 kB\n", more},
		{"a table of all pages with all digits", whole, []string{rowA + "\n", rowB + "\n"}, "get 20 --group-by src_app --format table --all --exact",
			[]string{"/flows?format=ndjson&group_by=src_app&hour=20", "/flows?cursor=x&format=ndjson&group_by=src_app&hour=20"},
			"SRC APP             BYTES TX  BYTES RX    SHARE\n" +
				"web-1                   1000      3000    0.0 %  ▏\n" +
				"web-2    9223372036854775807         0  100.0 %  ████████████████████\n\n" +
				"2 rows   9223372036854776807      3000\n", saturated},
		{"a time chart with others", whole, []string{`{"hour":498897,"time":"2026-11-30T09:00:00Z","src_app":"a","bytes_tx":0,"bytes_rx":2}` + "\n" +
			`{"hour":498897,"time":"2026-11-30T09:00:00Z","other":true,"groups":1234,"bytes_tx":0,"bytes_rx":2}` + "\n"},
			"get 498897 --group-by src_app --top 1 --series hour --by bytes_rx --format table", nil,
			"HOUR    TIME (UTC)        SRC APP               BYTES TX  BYTES RX   SHARE\n" +
				"498897  2026-11-30 09:00  a                          0 B       2 B  50.0 %  ████████████████████\n" +
				"498897  2026-11-30 09:00  other (1,234 groups)       0 B       2 B  50.0 %\n\n" +
				"1 row and others                                     0 B       4 B\n", saturated},
		{"hours", whole, []string{`{"hour":498897,"time":"2026-11-30T09:00:00Z","bytes_tx":1,"bytes_rx":2,"flows":7,"complete":"true"}` + "\n" +
			`{"hour":498898,"time":"2026-11-30T10:00:00Z","bytes_tx":1,"bytes_rx":2,"complete":"unproven"}` + "\n"}, "hours --format table",
			[]string{"/hours?format=ndjson&from=-24h"},
			"HOUR    TIME (UTC)        BYTES TX  BYTES RX   SHARE  FLOWS  COMPLETE\n" +
				"498897  2026-11-30 09:00       1 B       2 B  50.0 %      7      true  ████████████████████\n" +
				"498898  2026-11-30 10:00       1 B       2 B  50.0 %         unproven  ████████████████████\n\n" +
				"2 rows                         2 B       4 B\n",
			saturated + "hours below 498866 (2026-11-29 02:00Z) are deleted\nhours below 498890 (2026-11-30 02:00Z) take no new records\n"},
		{"hours as they come", whole, []string{"[]\n"}, "hours --from 1 --to 5 --format csv", []string{"/hours?format=csv&from=1&to=5"}, "[]\n", saturated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := pagesOf(t, tt.complete, tt.pages...)
			var out, errs strings.Builder
			if code := run(t.Context(), strings.Fields(tt.args), nil, &out, &errs); code != exitOK {
				t.Fatalf("flowring %s = %d with %s", tt.args, code, &errs)
			}
			if out.String() != tt.out || errs.String() != tt.err {
				t.Errorf("flowring %s prints\n%s\nwith stderr\n%s\nwant\n%s\nwith\n%s", tt.args, &out, &errs, tt.out, tt.err)
			}
			if got := strings.Join(*asked, "\n"); tt.want != nil && got != strings.Join(tt.want, "\n") {
				t.Errorf("flowring %s sent\n%s\nwant\n%s", tt.args, got, strings.Join(tt.want, "\n"))
			}
		})
	}
}

// An answer that breaks off must not pass for a whole one, in any format (P5).
func TestAQueryThatBreaksOffFails(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Flowring-Complete", "true")
		io.WriteString(w, rowA+"\n")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	t.Setenv(settings.TargetVariable, server.URL)
	for _, format := range []string{"table", "json", "ndjson", "csv"} {
		var out, errs strings.Builder
		code := run(t.Context(), []string{"get", "20", "--top", "3", "--format", format}, nil, &out, &errs)
		if code != exitFailure || !strings.Contains(errs.String(), "EOF") || format == "table" && out.Len() > 0 {
			t.Errorf("get --format %s of an answer that breaks off = %d with %q and %q, want %d", format, code, &out, &errs, exitFailure)
		}
	}
}

func TestQueriesWithMistakes(t *testing.T) {
	for _, tt := range []struct {
		args, err string
		face      *face
		code      int
	}{
		{"get", "an argument is missing: flowring get [HOUR] [FLAGS], or --from", complete("true", "[]\n"), exitUsage},
		{"get --top 5", "an argument is missing", complete("true", "[]\n"), exitUsage},
		{"get 20 --from 3", "HOUR and --from or --to contradict each other", complete("true", "[]\n"), exitUsage},
		{"get 20 --top many", `"many" is not a number`, complete("true", "[]\n"), exitUsage},
		{"get 20 --by bits", "400 The query is not usable: by is", problem(400, "The query is not usable", `by is "bits"`), exitFailure},
		{"top", "standard input and output must be a terminal; flowring get --top prints", complete("true", ""), exitUsage},
		{"top --every 1ms", "--every: 1ms is less than 100ms", complete("true", ""), exitUsage},
		{"hours 20", "unexpected argument: 20", complete("true", "[]\n"), exitUsage},
	} {
		code, out, errs := execute(t, tt.face, "", strings.Fields(tt.args)...)
		if code != tt.code || out != "" || !strings.Contains(errs, tt.err) {
			t.Errorf("flowring %s = %d with %q and %q, want %d with %q", tt.args, code, out, errs, tt.code, tt.err)
		}
	}
}
