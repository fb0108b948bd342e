//go:build linux

package proctest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/router"
)

// askWithin is the limit for one attempt. A node answers within 4 s, unless it is frozen or the machine is busy; then
// the client asks again.
const askWithin = 5 * time.Second

// answer is the answer of a node.
type answer struct {
	status   int
	complete string // Flowring-Complete
	body     []byte
	erased   string // Flowring-Erased
}

// get gets a path of a node.
func (c *cluster) get(p *process, path string) (answer, error) {
	return c.ask(http.MethodGet, p.url()+path, nil, nil)
}

// ask makes one request, without retries.
func (c *cluster) ask(method, url string, header http.Header, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	return c.askFor(ctx, method, url, header, body)
}

func (c *cluster) askFor(ctx context.Context, method, url string, header http.Header, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("Flowring-Complete"), text, res.Header.Get("Flowring-Erased")}, err
}

// enough returns a read that is complete or unproven, and says whether it is complete.
func (c *cluster) enough(p *process, hour flow.Hour) (document []byte, complete bool, err error) {
	a, err := c.get(p, fmt.Sprintf("/flows?hour=%d", hour))
	switch {
	case err != nil:
		return nil, false, err
	case a.status != http.StatusOK:
		return nil, false, fmt.Errorf("hour %d at %s: %d %s", hour, p, a.status, a.body)
	}
	return a.body, a.complete == "true", nil
}

// document returns a complete read of an hour (P4), or an error.
func (c *cluster) document(p *process, hour flow.Hour) ([]byte, error) {
	a, err := c.get(p, fmt.Sprintf("/flows?hour=%d&require=complete", hour))
	switch {
	case err != nil:
		return nil, err
	case a.status != http.StatusOK:
		return nil, fmt.Errorf("hour %d at %s: %d %s", hour, p, a.status, a.body)
	case a.complete != "true":
		return nil, fmt.Errorf("hour %d at %s: Flowring-Complete is %q, and a complete answer was asked for", hour, p, a.complete)
	}
	return a.body, nil
}

// members returns the cluster as a node sees it.
func (c *cluster) members(p *process) (router.MembersView, error) {
	var view router.MembersView
	a, err := c.get(p, "/members")
	if err == nil {
		err = json.Unmarshal(a.body, &view)
	}
	return view, err
}

// ring waits until all nodes have the same ring with that number of members, and returns its version.
func (c *cluster) ring(size int, nodes ...*process) string {
	c.t.Helper()
	var version string
	c.eventually(func() error {
		version = ""
		for _, p := range nodes {
			view, err := c.members(p)
			if err != nil {
				return err
			}
			if on := onRing(view); on != size || version != "" && view.Ring.Version != version {
				return fmt.Errorf("%s has a ring of %d, version %s; want %d, version %s", p, on, view.Ring.Version, size, version)
			}
			version = view.Ring.Version
		}
		return nil
	})
	return version
}

func onRing(view router.MembersView) int {
	n := 0
	for _, m := range view.Members {
		if m.Partitions > 0 {
			n++
		}
	}
	return n
}
