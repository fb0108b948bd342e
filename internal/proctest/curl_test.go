//go:build linux

package proctest

import (
	"os/exec"
	"reflect"
	"strconv"
	"testing"

	"github.com/go-json-experiment/json"
)

const sample = `[
 {"src_app":"foo","dest_app":"bar","vpc_id":"vpc-0","bytes_tx":100,"bytes_rx":500,"hour":1},
 {"src_app":"foo","dest_app":"bar","vpc_id":"vpc-0","bytes_tx":200,"bytes_rx":1000,"hour":1},
 {"src_app":"baz","dest_app":"qux","vpc_id":"vpc-0","bytes_tx":100,"bytes_rx":500,"hour":1},
 {"src_app":"baz","dest_app":"qux","vpc_id":"vpc-0","bytes_tx":100,"bytes_rx":500,"hour":2},
 {"src_app":"baz","dest_app":"qux","vpc_id":"vpc-1","bytes_tx":100,"bytes_rx":500,"hour":2}
]`

// TestCurl takes the first steps of a new user: a post with curl at one node, and gets at all nodes.
func TestCurl(t *testing.T) {
	t.Parallel()
	needPrograms(t, "curl")
	c := newCluster(t, 3, 3)
	c.start()
	if got := curl(t, "-X", "POST", "-H", "Idempotency-Key: sample", "-d", sample, c.nodes[0].url()+"/flows"); got == "" {
		t.Error("curl -d prints no answer")
	}
	for hour, want := range map[string]string{
		"1": `[{"src_app":"baz","dest_app":"qux","vpc_id":"vpc-0","bytes_tx":100,"bytes_rx":500,"hour":1},
		       {"src_app":"foo","dest_app":"bar","vpc_id":"vpc-0","bytes_tx":300,"bytes_rx":1500,"hour":1}]`,
		"2": `[{"src_app":"baz","dest_app":"qux","vpc_id":"vpc-0","bytes_tx":100,"bytes_rx":500,"hour":2},
		       {"src_app":"baz","dest_app":"qux","vpc_id":"vpc-1","bytes_tx":100,"bytes_rx":500,"hour":2}]`,
		"3": `[]`,
	} {
		for _, p := range c.nodes {
			if got := curl(t, p.url()+"/flows?hour="+hour); !sameJSON(got, want) {
				t.Errorf("curl %s/flows?hour=%s = %s, want %s", p.url(), hour, got, want)
			}
		}
	}
}

// curl asks until the answer is not a 503, because a busy machine may need several attempts.
func curl(t *testing.T, args ...string) string {
	t.Helper()
	retries := []string{"-sS", "-f", "--retry", "100", "--retry-max-time", strconv.Itoa(int(patience.Seconds())), "--retry-connrefused"}
	out, err := exec.Command("curl", append(retries, args...)...).Output()
	if err != nil {
		t.Fatalf("curl %q: %v: %s", args, err, out)
	}
	return string(out)
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}
