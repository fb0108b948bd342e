package poster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// sent is a request to the double of a cluster.
type sent struct{ key, body string }

// cluster returns a send function that keeps its requests. It fails from request failAt on (0: never).
func cluster(got *[]sent, failAt int, failure error) func(context.Context, []byte, string) ([]byte, bool, error) {
	seen := map[sent]bool{}
	return func(_ context.Context, body []byte, key string) ([]byte, bool, error) {
		if failAt > 0 && len(*got)+1 >= failAt {
			return nil, false, failure
		}
		s := sent{key, string(body)}
		*got = append(*got, s)
		replayed := seen[s]
		seen[s] = true
		return fmt.Appendf(nil, "answer %d\n", len(*got)), replayed, nil
	}
}

func TestPostCutsTheInputIntoRequests(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     []sent
	}{
		{"an empty array", " [ ] ", []sent{{"K", "[]"}}},
		{"one request", `[{"a":1},{"b":2}]`, []sent{{"K", `[{"a":1},{"b":2}]`}}},
		{"lines", "{\"a\":1}\n{\"b\":2}\r\n", []sent{{"K", `[{"a":1},{"b":2}]`}}},
		{"a last line without an end", `{"a":1}`, []sent{{"K", `[{"a":1}]`}}},
		{"three requests", "[1, 2,\n3, 4, 5]", []sent{{"K", "[1,2]"}, {"K/2", "[3,4]"}, {"K/3", "[5]"}}},
		{"exactly two requests", "[1,2,3,4]", []sent{{"K", "[1,2]"}, {"K/2", "[3,4]"}}},
		{"lines for two requests", "{}\n{}\n{}\n", []sent{{"K", "[{},{}]"}, {"K/2", "[{}]"}}},
		{"the bytes of a record are unchanged", "[{\"n\": 1e2, \"n\":\"\\u00e4\xff\"}]",
			[]sent{{"K", "[{\"n\": 1e2, \"n\":\"\\u00e4\xff\"}]"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []sent
			var stdout, stderr strings.Builder
			p := Poster{Send: cluster(&got, 0, nil), Key: "K", Most: 2, Stdout: &stdout, Stderr: &stderr}
			if err := p.Post(t.Context(), iotest.OneByteReader(strings.NewReader(test.in))); err != nil {
				t.Fatalf("post(%q) = %v, want nil", test.in, err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("post(%q) sent %q, want %q", test.in, got, test.want)
			}
			if n := strings.Count(stdout.String(), "answer"); n != len(test.want) || stderr.Len() > 0 {
				t.Errorf("stdout = %q, stderr = %q, want %d answers and nothing", &stdout, &stderr, len(test.want))
			}
		})
	}
}

func TestPostRefusesInvalidInputBeforeItSendsAny(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"an empty input", "", "the input is empty"},
		{"white space", " \r\n\t\n", "the input is empty"},
		{"a text", `"hello"`, "want records as a JSON array, one after the other, or as CSV with a header row"},
		{"CSV", "src,dest\n", "want records as a JSON array, one after the other, or as CSV with a header row"},
		{"an array cut short after a record", `[{"a":1}`, "line 1: unexpected EOF"},
		{"an array cut short after a comma", `[{"a":1},`, "line 1: unexpected EOF"},
		{"an array cut short in a record", `[{"a":`, "line 1: unexpected EOF"},
		{"a line cut short", "{\"a\":1}\n{\"a\"", "line 2: unexpected EOF"},
		{"something after the array", `[{"a":1}] [`, "the array has ended, but the input has not"},
		{"no comma", `[{"a":1} {"b":2}]`, "line 1: "},
		{"a comma too many", `[{"a":1},]`, "line 1: "},
		{"an array with a broken record on a line of its own", "\n[\n{\"a\":1}\n,\n\n{a}]", "line 6: invalid character"},
		{"a broken line", "{\"a\":1}\n{a}\n", "line 2: invalid character"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []sent
			p := Poster{Send: cluster(&got, 0, nil), Key: "K", Most: 10, Stdout: io.Discard, Stderr: io.Discard}
			err := p.Post(t.Context(), strings.NewReader(test.in))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("post(%q) = %v, want %s", test.in, err, test.want)
			}
			if len(got) > 0 {
				t.Errorf("post(%q) sent %q, want nothing", test.in, got)
			}
		})
	}
}

// A second run with the same key must repeat the requests of the first run to the byte; otherwise P2 does not hold
// across runs.
func TestPostAgainWithTheSameKeyGoesOn(t *testing.T) {
	var got []sent
	var stderr strings.Builder
	broken := errors.New("refused")
	in := "[1,2,3,4,5]"
	p := Poster{Send: cluster(&got, 2, broken), Key: "K", Most: 2, Stdout: io.Discard, Stderr: &stderr}
	err := p.Post(t.Context(), strings.NewReader(in))
	if !errors.Is(err, broken) || err.Error() != "line 1: refused" {
		t.Errorf("post() = %v, want line 1: refused", err)
	}
	want := "flowring: note: 2 records stored; to go on, run it again with --key K: no record counts twice\n"
	if stderr.String() != want {
		t.Errorf("stderr = %q, want %q", &stderr, want)
	}
	stderr.Reset()
	send := cluster(&got, 0, nil)
	send(t.Context(), []byte(got[0].body), got[0].key) // what the cluster has from the first run
	p = Poster{Send: send, Key: "K", Most: 2, Stdout: io.Discard, Stderr: &stderr}
	if err := p.Post(t.Context(), strings.NewReader(in)); err != nil || p.stored != 5 || p.replayed != 2 {
		t.Errorf("post() again = %v, with %d stored and %d replayed, want nil, 5, 2", err, p.stored, p.replayed)
	}
	if !strings.Contains(stderr.String(), "2 records had been stored before") {
		t.Errorf("stderr = %q, want a note about 2 records", &stderr)
	}
}

func TestProgressIsOneLineOnTheTerminal(t *testing.T) {
	var got []sent
	var stderr bytes.Buffer
	p := Poster{Send: cluster(&got, 0, nil), Most: 2, Stdout: io.Discard, Stderr: &stderr, Progress: true}
	if err := p.Post(t.Context(), strings.NewReader("[1,2,3]")); err != nil {
		t.Fatal(err)
	}
	if want := "\r2 records stored\r3 records stored\n"; stderr.String() != want {
		t.Errorf("stderr = %q, want %q", &stderr, want)
	}
}
