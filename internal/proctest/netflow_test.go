package proctest

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"flowring/flow"
)

// observed is a NetFlow flow: one direction of a connection.
type observed struct {
	first    time.Time
	src, dst string
	srcPort  int
	dstPort  int
	bytes    int64
}

// agentRecord is a record with the field names of network agents, which Flowring accepts, too.
type agentRecord struct {
	SrcIP   string `json:"src_ip"`
	DestIP  string `json:"dest_ip"`
	VPC     string `json:"vpc"`
	BytesTx int64  `json:"bytes_tx"`
	BytesRx int64  `json:"bytes_rx"`
	Hour    int64  `json:"hour"`
}

// readFlows reads the output of `nfdump -o csv` with TZ=UTC. It finds columns by their names, and ends at the summary.
func readFlows(r io.Reader) ([]observed, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("nfdump csv: %w", err)
	}
	var flows []observed
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) || err == nil && row[0] == "Summary" {
			return flows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("nfdump csv: %w", err)
		}
		f, err := parseFlow(head, row)
		if err != nil {
			return nil, fmt.Errorf("nfdump csv: row %d: %w", len(flows)+1, err)
		}
		flows = append(flows, f)
	}
}

func parseFlow(head, row []string) (observed, error) {
	column := func(name string) string {
		if i := slices.Index(head, name); i >= 0 && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	first, err := time.Parse(time.DateTime, column("ts"))
	srcPort, err1 := strconv.Atoi(column("sp"))
	dstPort, err2 := strconv.Atoi(column("dp"))
	bytes, err3 := strconv.ParseInt(column("ibyt"), 10, 64)
	if column("sa") == "" || column("da") == "" {
		err = errors.Join(err, errors.New("no addresses"))
	}
	return observed{first, column("sa"), column("da"), srcPort, dstPort, bytes}, errors.Join(err, err1, err2, err3)
}

// record returns one direction as a record of the connection from the view of the client: bytes_tx is sent by the
// client, bytes_rx is received by it. The side with the lower port is the server.
func (f observed) record() agentRecord {
	hour := f.first.Unix() / 3600
	if f.dstPort < f.srcPort {
		return agentRecord{f.src, f.dst, "loopback", f.bytes, 0, hour}
	}
	return agentRecord{f.dst, f.src, "loopback", 0, f.bytes, hour}
}

// route is a pair of addresses, one direction.
type route struct{ src, dst string }

// readSums reads the output of `nfdump -q -N -A srcip,dstip -o fmt:%sa,%da,%byt`: the sums of nfdump by direction.
func readSums(r io.Reader) (map[route]int64, error) {
	sums := map[route]int64{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		fields := strings.Split(lines.Text(), ",")
		if len(fields) != 3 {
			return nil, fmt.Errorf("nfdump sums: %q: want 3 fields", lines.Text())
		}
		at := route{strings.TrimSpace(fields[0]), strings.TrimSpace(fields[1])}
		bytes, err := strconv.ParseInt(strings.TrimSpace(fields[2]), 10, 64)
		if _, twice := sums[at]; err != nil || twice {
			return nil, fmt.Errorf("nfdump sums: %q: %w", lines.Text(), cmp.Or(err, errors.New("it comes twice")))
		}
		sums[at] = bytes
	}
	return sums, lines.Err()
}

// compare returns an error unless the flows of all hours add up to exactly the sums of nfdump: each direction of each
// pair, and no other.
func compare(flows []flow.Record, sums map[route]int64) error {
	got := map[route]int64{}
	for _, f := range flows {
		got[route{f.SrcApp, f.DestApp}] += f.BytesTx
		got[route{f.DestApp, f.SrcApp}] += f.BytesRx
	}
	var errs []error
	for at, want := range sums {
		if got[at] != want {
			errs = append(errs, fmt.Errorf("%s to %s: %d bytes, nfdump has %d", at.src, at.dst, got[at], want))
		}
	}
	for at, bytes := range got {
		if _, ok := sums[at]; !ok && bytes != 0 {
			errs = append(errs, fmt.Errorf("%s to %s: %d bytes, nfdump has none", at.src, at.dst, bytes))
		}
	}
	return errors.Join(errs...)
}
