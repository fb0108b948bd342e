package load

import "time"

// Result is what a run did, in the form that it is printed as JSON.
type Result struct {
	Seconds          float64       `json:"seconds"`
	Records          int64         `json:"records"` // stored
	Posts            int64         `json:"posts"`   // stored
	Bytes            int64         `json:"bytes"`   // of the bodies of these
	RecordsPerSecond float64       `json:"records_per_second"`
	PostsPerSecond   float64       `json:"posts_per_second"`
	Latency          Latency       `json:"latency_ms"`
	Answers          map[int]int64 `json:"answers"`  // by status, retries included
	Retries          int64         `json:"retries"`  // attempts after the first of a post
	Replayed         int64         `json:"replayed"` // posts that a lost answer had acknowledged before
	Refused          int64         `json:"refused"`  // posts given up that count zero times
	Unknown          int64         `json:"unknown"`  // posts given up that may count or not
	Unsent           int64         `json:"unsent"`   // posts that were due and never begun
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

// Reads is what readers did meanwhile.
type Reads struct {
	Reads   uint64  `json:"reads"`
	Failed  int64   `json:"failed"`
	Bytes   int64   `json:"bytes"`
	Latency Latency `json:"latency_ms"`
}

// Verified is what reading all back has shown.
type Verified struct {
	Hours int    `json:"hours"`
	Flows int    `json:"flows"`
	Wrong int    `json:"wrong"`
	First string `json:"first,omitempty"` // what is wrong with the first of these
}

// Result returns what the run did, once Run has returned.
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

// Result returns what the readers did, once Run has returned.
func (r *Readers) Result() *Reads {
	counts := r.Latency.Counts()
	return &Reads{Reads: counts.Total(), Failed: r.Failed.Load(), Bytes: r.Bytes.Load(), Latency: latency(counts)}
}

func latency(c *Counts) Latency {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return Latency{ms(c.Quantile(.5)), ms(c.Quantile(.9)), ms(c.Quantile(.99)), ms(c.Quantile(.999)), ms(c.Max())}
}
