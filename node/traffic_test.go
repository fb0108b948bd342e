package node_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"flowring/flow"
)

// observation is a record in the form that clients send.
type observation = flow.Record

// of returns an observation of the flow src -> sink.
func of(hour int64, src string, tx int64) observation {
	return observation{
		Key: flow.Key{SrcApp: src, DestApp: "sink", VPCID: "vpc-0"}, Totals: flow.Totals{BytesTx: tx, BytesRx: 2 * tx}, Hour: flow.Hour(hour),
	}
}

// post sends observations to a node and returns the status, or 0 and an error if there was no answer.
func (c *cluster) post(name, key string, observed ...observation) (int, error) {
	body, err := json.Marshal(observed)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequest("POST", c.url(name)+"/flows", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("post to %s: %s: %s", name, res.Status, answer)
	}
	return res.StatusCode, err
}

// answer sends observations until the answer is a 200 or a refusal for good. It retries in the ways of the contract,
// because a busy machine may be too slow for a POST: with a key, drawn if the test has none, and not after a 4xx.
func (c *cluster) answer(name, key string, observed ...observation) (status int, err error) {
	c.t.Helper()
	if key == "" {
		key = fmt.Sprintf("key-%d", c.keys.Add(1))
	}
	c.eventually(func() error {
		if status, err = c.post(name, key, observed...); status < 400 || status >= 500 {
			return err
		}
		return nil
	})
	return status, err
}

// mustPost fails the test unless the observations are stored.
func (c *cluster) mustPost(name, key string, observed ...observation) {
	c.t.Helper()
	if status, err := c.answer(name, key, observed...); err != nil {
		c.t.Fatalf("post(%s, %v) = %d, %v, want 200", name, observed, status, err)
	}
}

// reading is an answer to GET /flows.
type reading struct {
	status   int
	complete string
	totals   map[string]int64 // bytes_tx by src_app
	records  []flow.Record
	text     string
}

// get reads an hour at a node. The query follows the hour, for example "&require=complete".
func (c *cluster) get(name string, hour int64, query string) (reading, error) {
	res, err := c.http.Get(fmt.Sprintf("%s/flows?hour=%d%s", c.url(name), hour, query))
	if err != nil {
		return reading{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	r := reading{res.StatusCode, res.Header.Get("Flowring-Complete"), map[string]int64{}, nil, string(text)}
	if err != nil || res.StatusCode != http.StatusOK {
		return r, err
	}
	if err := json.Unmarshal(text, &r.records); err != nil {
		return r, err
	}
	for _, o := range r.records {
		r.totals[o.SrcApp] = o.BytesTx
		if o.BytesRx != 2*o.BytesTx || o.Hour != flow.Hour(hour) {
			return r, fmt.Errorf("get from %s: record %+v was never sent", name, o)
		}
	}
	return r, nil
}

// complete reads an hour at a node until the answer is complete, because a node of a busy machine may be silent.
func (c *cluster) complete(name string, hour int64) (r reading, err error) {
	silent := poll(func() error {
		if r, err = c.get(name, hour, "&require=complete"); err == nil && r.status == http.StatusServiceUnavailable {
			return fmt.Errorf("get(%s, hour %d) = 503 %s", name, hour, r.text)
		}
		return nil
	})
	return r, errors.Join(silent, err)
}

// reads returns nil if a complete answer of a node has tx bytes for the flow src of an hour.
func (c *cluster) reads(name string, hour int64, src string, tx int64) error {
	r, err := c.complete(name, hour)
	switch {
	case err != nil:
		return err
	case r.status != http.StatusOK || r.complete != "true" || r.totals[src] != tx:
		return fmt.Errorf("get(%s, hour %d) = %d, complete %q, %v, want 200, complete, %s: %d",
			name, hour, r.status, r.complete, r.totals, src, tx)
	}
	return nil
}

// fill writes hours 1 to n through one node: flow "app" of hour h has h bytes.
func (c *cluster) fill(name string, n int64) {
	c.t.Helper()
	for hour := int64(1); hour <= n; hour++ {
		c.mustPost(name, "", of(hour, "app", hour))
	}
}

// filled returns nil if every node answers completely with the flows of fill.
func (c *cluster) filled(n int64) error {
	for _, name := range c.names() {
		for hour := int64(1); hour <= n; hour++ {
			if err := c.reads(name, hour, "app", hour); err != nil {
				return err
			}
		}
	}
	return nil
}

// hourOf returns an hour of at least 1000 that a node owns on the ring of the given nodes.
func hourOf(t testing.TB, owner string, names []string) int64 {
	t.Helper()
	on := ringOf(names)
	for hour := int64(1000); hour < 2000; hour++ {
		if on.Owner(sliceOf(hour)) == owner {
			return hour
		}
	}
	t.Fatalf("%s owns none of 1000 hours", owner)
	return 0
}

func sliceOf(hour int64) flow.Slice { return flow.Slice{Hour: flow.Hour(hour)} }

// metric returns the value of a metric without labels.
func (c *cluster) metric(name, metric string) float64 {
	c.t.Helper()
	res, err := c.http.Get(c.url(name) + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), metric+" "); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				c.t.Fatal(err)
			}
			return n
		}
	}
	c.t.Fatalf("%s has no metric %s", name, metric)
	return 0
}
