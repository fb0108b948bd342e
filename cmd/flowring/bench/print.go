package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"flowring/cmd/flowring/output"
	"flowring/internal/load"
	"flowring/router"
)

// Print prints the result as a table.
func (b *Bench) Print(w io.Writer, view router.MembersView, r *load.Result) error {
	fmt.Fprintf(w, "%s, %s\n", nodes(view.Members), view.Ring.Copies())
	fmt.Fprintf(w, "%s, %s in each post, %s in %s, %s\n\n",
		output.Many(b.Plan.Connections, "connection"), output.Many(b.Shape.Records, "record"),
		output.Many(b.Shape.Flows, "flow"), output.Many(b.Shape.Hours, "hour"), b.how())
	t := output.Table{Right: []bool{false, false}}
	t.Add("stored", fmt.Sprintf("%s in %s, %.1f MB, in %.1f s", output.Many(r.Records, "record"),
		output.Many(r.Posts, "post"),
		float64(r.Bytes)/1e6, r.Seconds))
	records, posts := output.Grouped(r.RecordsPerSecond), output.Grouped(r.PostsPerSecond)
	t.Add("rate", fmt.Sprintf("%s records/s, %s posts/s", records, posts))
	t.Add("latency", latencies(r.Latency))
	t.Add("answers", answers(r.Answers))
	t.Add("retries", retries(r))
	t.Add("failed", failures(r))
	if r.Unsent > 0 {
		t.Add("not sent", output.Exact(r.Unsent)+" posts that were due, because all connections were busy")
	}
	if r.Reads != nil {
		t.Add("reads", fmt.Sprintf("%s, %.1f MB, %d failed; %s", output.Exact(r.Reads.Reads), float64(r.Reads.Bytes)/1e6,
			r.Reads.Failed, latencies(r.Reads.Latency)))
	}
	if r.Verified != nil {
		t.Add("verified", verdict(r.Verified))
	}
	t.Add("bench itself", itself(r))
	for _, f := range r.Failures {
		t.Add("error", fmt.Sprintf("%s %s, such as %s", output.Many(f.Count, "time"), f.Kind, f.Example))
	}
	return t.Write(w)
}

// nodes returns the number of live nodes before the load, and of all nodes.
func nodes(members []router.Member) string {
	alive := 0
	for _, m := range members {
		if m.State == "alive" {
			alive++
		}
	}
	if alive < len(members) {
		return fmt.Sprintf("%d of %s", alive, output.Many(len(members), "node"))
	}
	return output.Many(alive, "node")
}

// how returns the pace of the posts as text.
func (b *Bench) how() string {
	text := "as fast as answers come"
	if b.Rate > 0 {
		text = output.Grouped(b.Rate) + " records due in a second"
	}
	if b.NoKeys {
		text += ", without keys"
	}
	return text
}

func latencies(l load.Latency) string {
	return fmt.Sprintf("p50 %s, p90 %s, p99 %s, p99.9 %s, max %s",
		output.Millis(l.P50), output.Millis(l.P90), output.Millis(l.P99), output.Millis(l.P999), output.Millis(l.Max))
}

func answers(byStatus map[int]int64) string {
	if len(byStatus) == 0 {
		return "none"
	}
	var all []string
	for _, code := range slices.Sorted(maps.Keys(byStatus)) {
		all = append(all, fmt.Sprintf("%d: %s", code, output.Exact(byStatus[code])))
	}
	return strings.Join(all, ", ")
}

func retries(r *load.Result) string {
	if r.Replayed == 0 {
		return output.Exact(r.Retries)
	}
	return fmt.Sprintf("%s; %s stored by an attempt with a lost answer", output.Exact(r.Retries),
		output.Many(r.Replayed, "post"))
}

func failures(r *load.Result) string {
	return fmt.Sprintf("%s refused, %s unknown", output.Many(r.Refused, "post"), output.Exact(r.Unknown))
}

func verdict(v *load.Verified) string {
	if v.Wrong > 0 {
		flows, hours := output.Many(v.Flows, "FLOW"), output.Many(v.Hours, "HOUR")
		return fmt.Sprintf("%s OF %s IN %s ARE WRONG", output.Exact(v.Wrong), flows, hours)
	}
	return fmt.Sprintf("%s in %s have the expected totals", output.Many(v.Flows, "flow"), output.Many(v.Hours, "hour"))
}

// itself returns the CPU time of the load generator, which the nodes on the same machine lack.
func itself(r *load.Result) string {
	text := fmt.Sprintf("%.2f s of CPU", r.CPUSeconds)
	if r.Records > 0 {
		text += fmt.Sprintf(", %.2f s for a million records", r.CPUSeconds/float64(r.Records)*1e6)
	}
	return text
}
