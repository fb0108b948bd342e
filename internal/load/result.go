package load

import "time"

// Result is the result of a run, with the fields of its JSON form.
type Result struct {
	Seconds          float64       `json:"seconds"`
	Records          int64         `json:"records"` // of stored posts
	Posts            int64         `json:"posts"`   // stored
	Bytes            int64         `json:"bytes"`   // of the bodies of stored posts
	RecordsPerSecond float64       `json:"records_per_second"`
	PostsPerSecond   float64       `json:"posts_per_second"`
	Latency          Latency       `json:"latency_ms"`
	Answers          map[int]int64 `json:"answers"`  // by status, retries included
	Retries          int64         `json:"retries"`  // attempts after the first of a post
	Replayed         int64         `json:"replayed"` // posts stored by an earlier attempt with a lost answer
	Refused          int64         `json:"refused"`  // abandoned posts, counted zero times
	Unknown          int64         `json:"unknown"`  // abandoned posts, counted zero times or once
	Unsent           int64         `json:"unsent"`   // posts due that did not begin
	Failures         []Failure     `json:"failures"` // of attempts, and of reads
	Reads            *Reads        `json:"reads,omitempty"`
	Verified         *Verified     `json:"verified,omitempty"`
	CPUSeconds       float64       `json:"cpu_seconds"` // of the load generator itself
}

// Latency is in milliseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

// Reads is the result of the readers.
type Reads struct {
	Reads   uint64  `json:"reads"`
	Failed  int64   `json:"failed"`
	Bytes   int64   `json:"bytes"`
	Latency Latency `json:"latency_ms"`
}

// Verified is the result of the verification.
type Verified struct {
	Hours int    `json:"hours"`
	Flows int    `json:"flows"`
	Wrong int    `json:"wrong"`
	First string `json:"first,omitempty"` // description of the first wrong flow
}

// Result returns the result of the run, after Run has returned.
func (r *Runner) Result(t *Traffic) *Result {
	seconds := r.Elapsed().Seconds()
	n := &r.Tally
	return &Result{
		Seconds: seconds, Records: n.Records.Load(), Posts: n.Stored.Load(), Bytes: n.Bytes.Load(),
		RecordsPerSecond: float64(n.Records.Load()) / seconds, PostsPerSecond: float64(n.Stored.Load()) / seconds,
		Latency: latency(n.Latency.Counts()), Answers: t.Answers(), Retries: max(t.Attempts()-n.Begun.Load(), 0),
		Replayed: n.Replayed.Load(), Refused: n.Refused.Load(), Unknown: n.Unknown.Load(), Unsent: r.Unsent(),
		Failures: t.Failures(),
	}
}

// Result returns the result of the readers, after Run has returned.
func (r *Readers) Result() *Reads {
	counts := r.Latency.Counts()
	return &Reads{Reads: counts.Total(), Failed: r.Failed.Load(), Bytes: r.Bytes.Load(), Latency: latency(counts)}
}

func latency(c *Counts) Latency {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return Latency{ms(c.Quantile(.5)), ms(c.Quantile(.9)), ms(c.Quantile(.99)), ms(c.Quantile(.999)), ms(c.Max())}
}
