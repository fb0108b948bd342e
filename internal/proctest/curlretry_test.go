//go:build linux

package proctest

import (
	"fmt"
	"os/exec"
	"testing"
)

// TestLostAnswersOfCurl: the command of docs/integrations/curl.md, and the same command without a key, which counts
// twice.
func TestLostAnswersOfCurl(t *testing.T) {
	t.Parallel()
	needPrograms(t, "curl", "sh", "sha256sum")
	c := newCluster(t, 3, 3)
	c.start()
	w := newWay(c)
	for hour, sender := range []struct {
		name   string
		change []string
		bytes  int64
	}{
		{"a key", nil, 100},
		{"no key", []string{`-H "Idempotency-Key: $key"`, ""}, 200},
	} {
		file := write(t, "flows.json", fmt.Sprintf(flowsForm, hour))
		script := guide(t, "curl.md", "key=", append([]string{"flows.json", file, "n1.example:8080", w.addr(0)}, sender.change...)...)
		w.loseAnswers(1)
		if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
			t.Fatalf("curl with %s: %v: %s", sender.name, err, out)
		}
		if n, bytes := len(w.arrived()), w.bytes(goflowHour(hour*3600)); n != 2 || bytes != sender.bytes {
			t.Errorf("curl with %s: %d POSTs came and %d bytes count, want 2 and %d", sender.name, n, bytes, sender.bytes)
		}
	}
}
