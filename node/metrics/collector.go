package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"flowring/internal/buildinfo"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/reload"
	"flowring/node/keyring"
	"flowring/node/peer"
	"flowring/node/peer/mtls"
	"flowring/node/replica/scrub"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/journal"
)

// Sample has the figures of one scrape.
type Sample struct {
	Store          store.Stats
	Status         peer.Status
	Roster         roster.Roster
	Members        int // live nodes
	Proven         int // proven quorum
	Version        compat.Offer
	HoldBack       int                       // stores that do not speak the newest version of this node
	Answers        func(roster.StoreID) bool // reports whether the node of a store answers
	Ring           *ring.Ring
	Fsyncs         journal.Fsyncs
	Ready          bool
	ReadyToWrite   bool
	NoFolder       bool  // the data folder is missing
	Fetched        int64 // batches and pieces of snapshots
	HandedOver     int64 // slices
	Conflicts      int64 // hours
	Scrubs         scrub.Stats
	DiskRefusals   int64  // batches
	Memory         int64  // bytes in use
	MemoryLimit    int64  // bytes
	MemoryFull     bool   // POSTs are refused
	PeerRefusals   uint64 // calls
	PeerPages      int64  // calls of web pages
	PeerStalled    uint64 // calls
	KeysRemembered int64
	KeysRefused    uint64
	HeldByKey      int64 // batches
	Files          reload.Stats
	Connections    int    // of the public port
	ConnsRefused   uint64 // connections of the public port
	PeerConns      int    // of the peer port
	GossipKeys     keyring.Keys
	ClockOffset    time.Duration
	ClocksCompared int
	Queries        Queries
	PeerTLS        mtls.Stats
	GossipRefused  uint64 // connections
	PeersPlain     int    // members without a last connection by TLS
	Retention      contract.Retention
	Erasures       Erasures
	Saturated      int64 // totals of merged hours; those of the store are in Store

	PeerConnsRefused uint64 // connections of the peer port
}

// Erasures are the figures of erased hours, as those of package erasure.
type Erasures struct {
	Ranges  int
	Refused uint64
}

// Queries are the figures of queries, as those of package queries.
type Queries struct {
	Asked, Working, Folded, Rounds, Hours, Groups, TimedOut, Overloads int64
}

// NewRegistry returns a registry with the metrics of the Go runtime, of the process and of the build.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(buildinfo.Collector(), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Collector reads a Sample at each scrape. It implements prometheus.Collector.
type Collector struct {
	gather  func() Sample
	metrics []metric
	descs   []*prometheus.Desc // of metrics
}

// NewCollector returns a collector of the samples of gather. Scrapes may call gather concurrently.
func NewCollector(gather func() Sample) *Collector {
	c := &Collector{gather: gather, metrics: slices.Concat(storeMetrics(), scrubMetrics(), queryMetrics(), nodeMetrics(),
		retentionMetrics(), clusterMetrics(), portMetrics())}
	for _, m := range c.metrics {
		c.descs = append(c.descs, prometheus.NewDesc("flowring_"+m.name, m.help, nil, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
	to <- fsyncSeconds
}

var fsyncSeconds = prometheus.NewDesc("flowring_store_fsync_seconds", "Time of an fsync of the journal.", nil, nil)

// Collect implements prometheus.Collector.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	s := c.gather()
	for i, m := range c.metrics {
		to <- prometheus.MustNewConstMetric(c.descs[i], m.kind, m.read(s))
	}
	to <- prometheus.MustNewConstHistogram(fsyncSeconds, s.Fsyncs.Count, s.Fsyncs.Seconds, s.Fsyncs.Within)
}

// AckSeconds registers and returns a function that takes the time until another store acknowledged batches.
func AckSeconds(r *prometheus.Registry) func(time.Duration) {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "flowring_replica_ack_seconds", Help: "Time until another store had acknowledged the batches of a call.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
	})
	r.MustRegister(h)
	return func(d time.Duration) { h.Observe(d.Seconds()) }
}
