package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"flowring/internal/load"
	"flowring/router"
)

// print prints the result for people.
func (b *bench) print(w io.Writer, view router.MembersView, r *load.Result) error {
	fmt.Fprintf(w, "%s, %d copies of each batch, %d acknowledge it\n", nodes(view.Members), view.Ring.ReplicationFactor,
		view.Ring.WriteQuorum)
	fmt.Fprintf(w, "%s, %d records in each post, %s in %s, %s\n\n", many(b.plan.Connections, "connection"), b.shape.Records,
		many(b.shape.Flows, "flow"), many(b.shape.Hours, "hour"), b.how())
	t := table{right: []bool{false, false}}
	t.add("stored", fmt.Sprintf("%s records in %s posts, %.1f MB, in %.1f s", grouped(float64(r.Records)), grouped(float64(r.Posts)),
		float64(r.Bytes)/1e6, r.Seconds))
	t.add("rate", fmt.Sprintf("%s records/s, %s posts/s", grouped(r.RecordsPerSecond), grouped(r.PostsPerSecond)))
	t.add("latency", latencies(r.Latency))
	t.add("answers", answers(r.Answers))
	t.add("retries", retries(r))
	t.add("failed", failures(r))
	if r.Unsent > 0 {
		t.add("not sent", grouped(float64(r.Unsent))+" posts that were due: the rate is more than was taken on these connections")
	}
	if r.Reads != nil {
		t.add("reads", fmt.Sprintf("%s, %.1f MB, %d failed; %s", grouped(float64(r.Reads.Reads)), float64(r.Reads.Bytes)/1e6,
			r.Reads.Failed, latencies(r.Reads.Latency)))
	}
	if r.Verified != nil {
		t.add("verified", verdict(r.Verified))
	}
	t.add("bench itself", itself(r))
	for _, f := range r.Failures {
		t.add("error", fmt.Sprintf("%d times %s, such as %s", f.Count, f.Kind, f.Example))
	}
	return t.write(w)
}

// nodes says how many there were before the load, and how many should be.
func nodes(members []router.Member) string {
	alive := 0
	for _, m := range members {
		if m.State == "alive" {
			alive++
		}
	}
	if alive < len(members) {
		return fmt.Sprintf("%d of %s", alive, many(len(members), "node"))
	}
	return many(alive, "node")
}

// how says how posts were sent.
func (b *bench) how() string {
	text := "as fast as answers come"
	if b.rate > 0 {
		text = grouped(b.rate) + " records due in a second"
	}
	if b.noKeys {
		text += ", without keys"
	}
	return text
}

func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(float64(n)) + " " + noun + "s"
}

func latencies(l load.Latency) string {
	return fmt.Sprintf("p50 %s, p90 %s, p99 %s, p99.9 %s, max %s",
		inMillis(l.P50), inMillis(l.P90), inMillis(l.P99), inMillis(l.P999), inMillis(l.Max))
}

// inMillis writes milliseconds with three digits that count.
func inMillis(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func answers(byStatus map[int]int64) string {
	if len(byStatus) == 0 {
		return "none"
	}
	var all []string
	for _, code := range slices.Sorted(maps.Keys(byStatus)) {
		all = append(all, fmt.Sprintf("%d: %s", code, grouped(float64(byStatus[code]))))
	}
	return strings.Join(all, ", ")
}

func retries(r *load.Result) string {
	if r.Replayed == 0 {
		return grouped(float64(r.Retries))
	}
	return fmt.Sprintf("%s; %s posts had been stored by an attempt whose answer was lost", grouped(float64(r.Retries)), grouped(float64(r.Replayed)))
}

func failures(r *load.Result) string {
	return fmt.Sprintf("%s posts refused, %s unknown", grouped(float64(r.Refused)), grouped(float64(r.Unknown)))
}

func verdict(v *load.Verified) string {
	if v.Wrong > 0 {
		return fmt.Sprintf("%s OF %s IN %s ARE WRONG", grouped(float64(v.Wrong)), many(v.Flows, "FLOW"), many(v.Hours, "HOUR"))
	}
	return fmt.Sprintf("%s in %s hold what was sent", many(v.Flows, "flow"), many(v.Hours, "hour"))
}

// itself says what making the load took: next to the nodes on one machine it takes from what they have.
func itself(r *load.Result) string {
	text := fmt.Sprintf("%.2f s of CPU", r.CPUSeconds)
	if r.Records > 0 {
		text += fmt.Sprintf(", %.2f s for a million records", r.CPUSeconds/float64(r.Records)*1e6)
	}
	return text
}

// grouped writes a number without its fraction, in groups of three digits.
func grouped(n float64) string {
	digits := strconv.FormatInt(int64(n+.5), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
