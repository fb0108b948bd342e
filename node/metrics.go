package node

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"flowring/internal/buildinfo"
	"flowring/node/peer"
	"flowring/ring/roster"
	"flowring/store"
)

// newRegistry returns a registry with what every Go process has to say, and which program it is.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(buildinfo.Collector(), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// registerMetrics makes the numbers of the node's parts readable at /metrics.
func (n *Node) registerMetrics() { n.deps.Registry.MustRegister(newCollector(n)) }

// number is one metric: how it is read from what a scrape has gathered.
type number struct {
	kind       prometheus.ValueType
	name, help string
	read       func(gathered) float64
}

// gathered is what one scrape looks at, once: some of it takes time in proportion to the number of slices.
type gathered struct {
	store        store.Stats
	status       peer.Status
	roster       roster.Roster
	members      int
	ready        bool
	readyToWrite bool
	noFolder     bool
	fetched      int64
	handedOver   int64
	conflicts    int64
	diskRefusals int64
	memory       int64
	memoryLimit  int64
	memoryFull   bool
	peerRefusals uint64
	keysHeld     int64
	keysRefused  uint64
	peerPages    int64
	peerStalled  uint64
	saturated    int64
}

const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue

func numbers() []number { return slices.Concat(storeNumbers(), nodeNumbers()) }

// storeNumbers are those of the store.
func storeNumbers() []number {
	return []number{
		{gauge, "store_hours", "Hours with data held here.", func(g gathered) float64 { return float64(g.store.Hours) }},
		{gauge, "store_slices", "Slices with data held here.", func(g gathered) float64 { return float64(g.store.Slices) }},
		{gauge, "store_flows", "Flows of the slices in memory.", func(g gathered) float64 { return float64(g.store.Flows) }},
		{gauge, "store_resident_bytes", "Estimate of the memory that slices take.",
			func(g gathered) float64 { return float64(g.store.ResidentBytes) }},
		{counter, "store_batches_applied_total", "Batches added to the totals.",
			func(g gathered) float64 { return float64(g.store.Applied) }},
		{counter, "store_batches_known_total", "Batches that came again.",
			func(g gathered) float64 { return float64(g.store.Known + g.store.Same) }},
		{counter, "store_saturated_total", "Totals cut to 2^63-1.", func(g gathered) float64 { return float64(g.store.Saturated) + float64(g.saturated) }},
		{gauge, "store_most_flows", "Flows of the fullest slice in memory.", func(g gathered) float64 { return float64(g.store.MostFlows) }},
		{gauge, "store_most_names", "Names of applications and VPCs of the slice in memory that has the most.",
			func(g gathered) float64 { return float64(g.store.MostNames) }},
		{counter, "store_flows_refusals_total", "Batches not admitted here as their hour has as many flows as it may.",
			func(g gathered) float64 { return float64(g.store.TooManyFlows) }},
		{counter, "store_names_refusals_total", "Batches not admitted here as their hour has as many names as it may.",
			func(g gathered) float64 { return float64(g.store.TooManyNames) }},
		{counter, "store_hours_refusals_total", "Batches not admitted here as this store has as many hours as it may.",
			func(g gathered) float64 { return float64(g.store.TooManySlices) }},
		{counter, "store_kept_hours_refusals_total", "Batches not admitted here as the last tenth of the hours is for hours near now.",
			func(g gathered) float64 { return float64(g.store.SlicesKept) }},
		{gauge, "store_batches_unreadable", "Batches held here that cannot be read.",
			func(g gathered) float64 { return float64(g.store.Unreadable) }},
		{counter, "store_sealed_total", "Snapshots that replaced the batches of an hour here.",
			func(g gathered) float64 { return float64(g.store.Sealed) }},
		{counter, "store_snapshots_fetched_total", "Snapshots taken in from other stores.",
			func(g gathered) float64 { return float64(g.store.Snapshots) }},
	}
}

// nodeNumbers are those of the node and of its place in the cluster.
func nodeNumbers() []number {
	return []number{
		{gauge, "remembered_keys", "Idempotency keys that this owner remembers over all hours.", func(g gathered) float64 { return float64(g.keysHeld) }},
		{counter, "remembered_keys_refusals_total", "Checks in which this owner refused a key that it remembers with other content.",
			func(g gathered) float64 { return float64(g.keysRefused) }},
		{counter, "disk_refusals_total", "Batches not admitted here for want of disk space.",
			func(g gathered) float64 { return float64(g.diskRefusals) }},
		{gauge, "members_alive", "Live nodes, this one included.", func(g gathered) float64 { return float64(g.members) }},
		{gauge, "roster_stores", "Stores on the roster that are not forgotten.",
			func(g gathered) float64 { return float64(len(g.roster.Stores())) }},
		{gauge, "roster_established", "Stores on the roster that count.",
			func(g gathered) float64 { return float64(g.roster.CountEstablished()) }},
		{gauge, "memory_in_use_bytes", "Memory of the process that is not garbage, as last looked at; 0 without a limit.",
			func(g gathered) float64 { return float64(g.memory) }},
		{gauge, "memory_limit_bytes", "Memory that the process may have; 0: no limit.",
			func(g gathered) float64 { return float64(g.memoryLimit) }},
		{gauge, "memory_full", "1 if POSTs are refused for want of memory.", func(g gathered) float64 { return indicator(g.memoryFull) }},
		{counter, "peer_refusals_total", "Calls of other nodes refused as too many were under way.",
			func(g gathered) float64 { return float64(g.peerRefusals) }},
		{counter, "peer_pages_refused_total", "Calls of the peer port refused because a browser sent them for a web page, or named another host.",
			func(g gathered) float64 { return float64(g.peerPages) }},
		{counter, "peer_stalled_total", "Calls between nodes given up here because the other side sent and took no byte for a while.",
			func(g gathered) float64 { return float64(g.peerStalled) }},
		{gauge, "ready", "1 if this node may be sent requests.", func(g gathered) float64 { return indicator(g.ready) }},
		{gauge, "ready_for_write", "1 if a POST could be stored through this node now.",
			func(g gathered) float64 { return indicator(g.readyToWrite) }},
		{gauge, "data_folder_missing", "1 if the data folder is not the one that was opened.", func(g gathered) float64 { return indicator(g.noFolder) }},
		{gauge, "repair_slices", "Slices that repair compares in full at this moment.",
			func(g gathered) float64 { return float64(g.status.Repairing) }},
		{gauge, "repair_batches_behind", "Batches known to be missing here.",
			func(g gathered) float64 { return float64(g.status.Behind) }},
		{counter, "repair_batches_fetched_total", "Batches, and pieces of snapshots, fetched from other stores.",
			func(g gathered) float64 { return float64(g.fetched) }},
		{gauge, "repair_conflicts", "Hours of which another store has a snapshot that cannot be merged with the one here.",
			func(g gathered) float64 { return float64(g.conflicts) }},
		{counter, "handed_over_slices_total", "Slices dropped here once their replicas held them.",
			func(g gathered) float64 { return float64(g.handedOver) }},
	}
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// collector reads all numbers of a node at each scrape.
type collector struct {
	node    *Node
	numbers []number
	descs   []*prometheus.Desc // of numbers
}

func newCollector(n *Node) *collector {
	c := &collector{node: n, numbers: numbers()}
	for _, m := range c.numbers {
		c.descs = append(c.descs, prometheus.NewDesc("flowring_"+m.name, m.help, nil, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	g := c.node.gather()
	for i, m := range c.numbers {
		to <- prometheus.MustNewConstMetric(c.descs[i], m.kind, m.read(g))
	}
}

func (n *Node) gather() gathered {
	stats := n.store.Stats()
	var peerRefusals uint64
	peerStalled := n.client.Stalled()
	if server := n.peerServer.Load(); server != nil {
		peerRefusals = server.Refused()
		peerStalled += server.Stalled()
	}
	keysHeld, keysRefused := n.replicas.KeysRemembered()
	return gathered{
		keysHeld: keysHeld, keysRefused: keysRefused,
		peerRefusals: peerRefusals, peerStalled: peerStalled,
		store: stats, status: n.statusOf(stats), roster: n.membership.Roster(), members: len(n.members.View().Nodes),
		ready: n.Ready() == nil, readyToWrite: n.ReadyToWrite() == nil, noFolder: n.lost(), fetched: n.replicas.Fetched(), handedOver: n.replicas.HandedOver(), conflicts: n.replicas.Conflicts(),
		diskRefusals: n.fullCount.Load(), saturated: n.answers.Saturated(), peerPages: n.peerPages.Load(), memory: n.memory.Load(), memoryLimit: n.cfg.MemoryLimit, memoryFull: n.lowMemory.Load(),
	}
}
