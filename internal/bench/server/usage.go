package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/router"
)

// CPU returns the CPU time of each process since its start.
func (s *Server) CPU() ([]time.Duration, error) {
	var all []time.Duration
	for _, p := range s.nodes {
		used, err := cpuTime(p.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		all = append(all, used)
	}
	return all, nil
}

// Resident returns the resident memory of all processes, in bytes.
func (s *Server) Resident() (int64, error) {
	var sum int64
	for i := range s.nodes {
		bytes, err := s.ResidentOf(i)
		if err != nil {
			return 0, err
		}
		sum += bytes
	}
	return sum, nil
}

// ResidentOf returns the resident memory of a process, in bytes.
func (s *Server) ResidentOf(process int) (int64, error) {
	return residentBytes(s.nodes[process].cmd.Process.Pid)
}

// Allocations returns the number of objects that all processes have allocated since their start.
func (s *Server) Allocations(ctx context.Context) (float64, error) {
	return s.Metric(ctx, "go_memstats_mallocs_total")
}

// Metric returns the sum over all processes of a metric without labels.
func (s *Server) Metric(ctx context.Context, name string) (float64, error) {
	sum := 0.0
	for _, addr := range s.Addresses() {
		value, err := metric(ctx, addr, name)
		if err != nil {
			return 0, err
		}
		sum += value
	}
	return sum, nil
}

func metric(ctx context.Context, addr, name string) (float64, error) {
	text, err := get(ctx, addr, "/metrics")
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if number, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(number, 64)
		}
	}
	return 0, fmt.Errorf("/metrics of %s lacks %s", addr, name)
}

// Members returns the cluster as the node at addr sees it.
func Members(ctx context.Context, addr string) (view router.MembersView, err error) {
	text, err := get(ctx, addr, "/members")
	if err == nil {
		err = json.Unmarshal([]byte(text), &view)
	}
	return view, err
}

// ReadHour reads an hour at the node at addr to its end, once, without retries. The query follows the hour, as
// "&require=complete" does.
func ReadHour(ctx context.Context, addr string, hour flow.Hour, query string) error {
	return request(ctx, addr, "/flows?hour="+hour.String()+query, io.Discard)
}

// Get makes a GET request to the node at addr, once, and copies the body of an answer with the status 200.
func Get(ctx context.Context, addr, path string, to io.Writer) error {
	return request(ctx, addr, path, to)
}

// get returns the body of an answer with the status 200.
func get(ctx context.Context, addr, path string) (string, error) {
	var text strings.Builder
	err := request(ctx, addr, path, &text)
	return text.String(), err
}

// ClientTLS returns the TLS settings of clients. The servers have certificates that the benchmark has made.
func ClientTLS() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

var overOwnTLS = &http.Client{Transport: &http.Transport{TLSClientConfig: ClientTLS()}}

// request makes a GET request, and copies the body of an answer with the status 200.
func request(ctx context.Context, addr, path string, to io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, baseOf(addr)+path, nil)
	if err != nil {
		return err
	}
	// Without this header Go asks for gzip, which costs the server more than all the rest.
	req.Header.Set("Accept-Encoding", "identity")
	res, err := overOwnTLS.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body) // the part that arrives is enough for the message
		return fmt.Errorf("GET %s: %s: %.300s", path, res.Status, text)
	}
	_, err = io.Copy(to, res.Body)
	return err
}
