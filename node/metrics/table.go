package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/ring"
	"flowring/ring/roster"
)

// metric is one row of a table.
type metric struct {
	kind       prometheus.ValueType
	name, help string // name without the prefix flowring_
	read       func(Sample) float64
}

const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue

// storeMetrics is the table of the store's metrics.
func storeMetrics() []metric {
	return []metric{
		{gauge, "store_hours", "Hours with data held here.", func(s Sample) float64 { return float64(s.Store.Hours) }},
		{gauge, "store_slices", "Slices with data held here.",
			func(s Sample) float64 { return float64(s.Store.Slices) }},
		{gauge, "store_flows", "Flows of the slices in memory.",
			func(s Sample) float64 { return float64(s.Store.Flows) }},
		{gauge, "store_resident_bytes", "Estimate of the memory of slices.",
			func(s Sample) float64 { return float64(s.Store.ResidentBytes) }},
		{counter, "store_batches_applied_total", "Batches added to the totals.",
			func(s Sample) float64 { return float64(s.Store.Applied) }},
		{counter, "store_batches_known_total", "Batches that arrived again.",
			func(s Sample) float64 { return float64(s.Store.Known + s.Store.Same) }},
		{counter, "store_saturated_total", "Totals cut to 2^63-1.",
			func(s Sample) float64 { return float64(s.Store.Saturated) + float64(s.Saturated) }},
		{gauge, "store_most_flows", "Flows of the fullest slice in memory.",
			func(s Sample) float64 { return float64(s.Store.MostFlows) }},
		{gauge, "store_most_names", "Names of applications and VPCs in the slice in memory with the most names.",
			func(s Sample) float64 { return float64(s.Store.MostNames) }},
		{counter, "store_flows_refusals_total",
			"Batches not admitted here because their hour has reached the limit of flows.",
			func(s Sample) float64 { return float64(s.Store.TooManyFlows) }},
		{counter, "store_names_refusals_total",
			"Batches not admitted here because their hour has reached the limit of names.",
			func(s Sample) float64 { return float64(s.Store.TooManyNames) }},
		{counter, "store_hours_refusals_total",
			"Batches not admitted here because this store has reached the limit of hours.",
			func(s Sample) float64 { return float64(s.Store.TooManySlices) }},
		{counter, "store_kept_hours_refusals_total",
			"Batches not admitted here because the last tenth of the hours is for hours near now.",
			func(s Sample) float64 { return float64(s.Store.SlicesReserved) }},
		{counter, "store_future_hours_refusals_total",
			"Batches not admitted here because their hour lies too far in the future.",
			func(s Sample) float64 { return float64(s.Store.FutureHours) }},
		{gauge, "store_batches_unreadable", "Batches held here that cannot be read.",
			func(s Sample) float64 { return float64(s.Store.Unreadable) }},
		{counter, "store_sealed_total", "Snapshots that replaced the batches of an hour here.",
			func(s Sample) float64 { return float64(s.Store.Sealed) }},
		{counter, "store_snapshots_fetched_total", "Snapshots taken in from other stores.",
			func(s Sample) float64 { return float64(s.Store.Snapshots) }},
		{counter, "store_expired_total", "Hours, or slices of hours, deleted here because they had expired.",
			func(s Sample) float64 { return float64(s.Store.Expired) }},
	}
}

// scrubMetrics is the table of the metrics of the passes over the journal.
func scrubMetrics() []metric {
	return []metric{
		{gauge, "scrub_slices", "Slices of the pass over the journal under way, or of the last one.",
			func(s Sample) float64 { return float64(s.Scrubs.Slices) }},
		{gauge, "scrub_slices_checked", "Slices that this pass has read and compared.",
			func(s Sample) float64 { return float64(s.Scrubs.Checked) }},
		{counter, "scrub_passes_total", "Passes that read the whole journal.",
			func(s Sample) float64 { return float64(s.Scrubs.Passes) }},
		{counter, "scrub_bytes_total", "Bytes of batches and snapshots read by passes.",
			func(s Sample) float64 { return float64(s.Scrubs.Bytes) }},
		{counter, "scrub_damaged_slices_total", "Slices in which a pass found unreadable batches.",
			func(s Sample) float64 { return float64(s.Scrubs.Damaged) }},
		{counter, "scrub_differences_total", "Slices whose totals were not the sum of their batches.",
			func(s Sample) float64 { return float64(s.Scrubs.Differing) }},
	}
}

// queryMetrics is the table of the metrics of queries.
func queryMetrics() []metric {
	return []metric{
		{gauge, "queries_in_progress", "Queries in progress that were asked at this node.",
			func(s Sample) float64 { return float64(s.Queries.Asked) }},
		{gauge, "query_stores_in_progress", "Queries, of any node, for which this store adds up or sends groups now.",
			func(s Sample) float64 { return float64(s.Queries.Working) }},
		{counter, "query_slices_total", "Slices added up here for queries.",
			func(s Sample) float64 { return float64(s.Queries.Folded) }},
		{counter, "query_rounds_total", "Slices added up here for queries after a round of questions of their own.",
			func(s Sample) float64 { return float64(s.Queries.Rounds) }},
		{counter, "query_hours_refusals_total", "Queries refused here for the hours of their range.",
			func(s Sample) float64 { return float64(s.Queries.Hours) }},
		{counter, "query_groups_refusals_total", "Queries refused by this store for the number of their groups.",
			func(s Sample) float64 { return float64(s.Queries.Groups) }},
		{counter, "query_timeouts_total", "Queries ended here because they took too long.",
			func(s Sample) float64 { return float64(s.Queries.TimedOut) }},
		{counter, "query_overloads_total", "Queries refused here because too many were in progress.",
			func(s Sample) float64 { return float64(s.Queries.Overloads) }},
	}
}

// nodeMetrics is the table of the metrics of the node and of its data.
func nodeMetrics() []metric {
	return []metric{
		{gauge, "remembered_keys", "Idempotency keys that this owner remembers over all hours.",
			func(s Sample) float64 { return float64(s.KeysRemembered) }},
		{counter, "remembered_keys_refusals_total",
			"Checks that refused a key because this owner remembers it with other content.",
			func(s Sample) float64 { return float64(s.KeysRefused) }},
		{counter, "held_by_key_total",
			"Batches of presets that counted as stored because this owner held others with their keys.",
			func(s Sample) float64 { return float64(s.HeldByKey) }},
		{counter, "disk_refusals_total", "Batches not admitted here for want of disk space.",
			func(s Sample) float64 { return float64(s.DiskRefusals) }},
		{gauge, "memory_in_use_bytes",
			"Memory of the process that is not garbage, at the last check; 0 without a limit.",
			func(s Sample) float64 { return float64(s.Memory) }},
		{gauge, "memory_limit_bytes", "Memory limit of the process; 0: no limit.",
			func(s Sample) float64 { return float64(s.MemoryLimit) }},
		{gauge, "memory_full", "1 if POSTs are refused for want of memory.",
			func(s Sample) float64 { return indicator(s.MemoryFull) }},
		{gauge, "ready", "1 if this node may be sent requests.", func(s Sample) float64 { return indicator(s.Ready) }},
		{gauge, "ready_for_write", "1 if a POST could be stored through this node now.",
			func(s Sample) float64 { return indicator(s.ReadyToWrite) }},
		{gauge, "data_folder_missing", "1 if the opened data folder is gone or replaced.",
			func(s Sample) float64 { return indicator(s.NoFolder) }},
		{gauge, "repair_slices", "Slices that repair compares in full now.",
			func(s Sample) float64 { return float64(s.Status.Repairing) }},
		{gauge, "repair_batches_behind", "Batches known to be missing here.",
			func(s Sample) float64 { return float64(s.Status.Behind) }},
		{counter, "repair_batches_fetched_total", "Batches, and pieces of snapshots, fetched from other stores.",
			func(s Sample) float64 { return float64(s.Fetched) }},
		{gauge, "repair_conflicts", "Hours whose snapshot here cannot be merged with the snapshot of another store.",
			func(s Sample) float64 { return float64(s.Conflicts) }},
		{counter, "handed_over_slices_total", "Slices dropped here once their replicas held them.",
			func(s Sample) float64 { return float64(s.HandedOver) }},
	}
}

// clusterMetrics is the table of the metrics of the node's place in the cluster.
func clusterMetrics() []metric {
	return []metric{
		{gauge, "members_alive", "Live nodes, this one included.",
			func(s Sample) float64 { return float64(s.Members) }},
		{gauge, "members_absent", "Stores of the roster whose nodes do not answer.",
			func(s Sample) float64 {
				return count(s.Roster, func(st roster.Store) bool { return !s.Answers(st.ID) })
			}},
		{gauge, "members_joining", "Stores of the roster that are not established yet.",
			func(s Sample) float64 { return count(s.Roster, func(st roster.Store) bool { return !st.Established }) }},
		{gauge, "members_leaving", "Stores of the roster that are being drained or forgotten.",
			func(s Sample) float64 { return count(s.Roster, func(st roster.Store) bool { return st.Leaving }) }},
		{gauge, "ring_id", "A number that is equal on nodes with the same placement.",
			func(s Sample) float64 { return ringID(s.Ring) }},
		{gauge, "roster_stores", "Stores on the roster that are not forgotten.",
			func(s Sample) float64 { return float64(len(s.Roster.Stores())) }},
		{gauge, "roster_established", "Established stores on the roster.",
			func(s Sample) float64 { return float64(s.Roster.CountEstablished()) }},
		{gauge, "write_quorum_proven",
			"Stores that have each acknowledged batch at least. Below W: W was raised, and the proof is under way.",
			func(s Sample) float64 { return float64(s.Proven) }},
		{gauge, "cluster_version", "Version of the formats that is on in the cluster.",
			func(s Sample) float64 { return float64(s.Version.On) }},
		{gauge, "cluster_version_highest", "Newest version of the formats that this node speaks.",
			func(s Sample) float64 { return float64(s.Version.Speaks.Newest) }},
		{gauge, "cluster_version_holders",
			"Stores on the roster that do not speak the newest version of this node, absent ones included.",
			func(s Sample) float64 { return float64(s.HoldBack) }},
		{gauge, "clock_offset_seconds",
			"Difference of this node's clock to the median of the other nodes' clocks; above 0: it is ahead.",
			func(s Sample) float64 { return s.ClockOffset.Seconds() }},
		{gauge, "clocks_compared", "Clocks of other nodes at the last heartbeats.",
			func(s Sample) float64 { return float64(s.ClocksCompared) }},
	}
}

// portMetrics is the table of the metrics of the ports between nodes, and of the files of credentials.
func portMetrics() []metric {
	return []metric{
		{counter, "peer_refusals_total", "Calls of other nodes refused because too many were under way.",
			func(s Sample) float64 { return float64(s.PeerRefusals) }},
		{gauge, "peer_connections", "Open connections of the peer port, made by other nodes.",
			func(s Sample) float64 { return float64(s.PeerConns) }},
		{counter, "peer_connections_refused_total", "Connections of the peer port closed at once for the limit.",
			func(s Sample) float64 { return float64(s.PeerConnsRefused) }},
		{counter, "peer_pages_refused_total",
			"Calls to the peer port refused because a web page sent them, or because of their host.",
			func(s Sample) float64 { return float64(s.PeerPages) }},
		{counter, "peer_stalled_total",
			"Calls between nodes given up here because the other side sent and read no byte for a while.",
			func(s Sample) float64 { return float64(s.PeerStalled) }},
		{gauge, "gossip_keys", "Keys of the gossip; 0: the gossip is plain.",
			func(s Sample) float64 { return float64(len(s.GossipKeys)) }},
		{gauge, "gossip_keys_id", "Number that is equal on nodes with the same gossip keys in the same order.",
			func(s Sample) float64 { return float64(s.GossipKeys.ID()) }},
		{counter, "gossip_connections_refused_total",
			"Connections to the gossip port refused or cut because of a limit.",
			func(s Sample) float64 { return float64(s.GossipRefused) }},
		{gauge, "peer_tls_unverified_members",
			"Other members with which the last connection from here was not by verified TLS.",
			func(s Sample) float64 { return float64(s.PeersPlain) }},
		{gauge, "peer_tls_authorities_id", "Number that is equal on nodes with the same file of authorities; 0: no peer TLS.",
			func(s Sample) float64 { return float64(s.PeerTLS.AuthorityID) }},
		{gauge, "peer_tls_expires_seconds", "End of this node's certificate, in seconds since 1970; 0: no peer TLS.",
			func(s Sample) float64 { return seconds(s.PeerTLS.Expires) }},
		{counter, "peer_tls_refused_total", "Connections and calls to the peer port refused because of their certificate.",
			func(s Sample) float64 { return float64(s.PeerTLS.Refused) }},
		{counter, "peer_tls_plain_total", "Plain connections to the peer port of a node with peer TLS, served or refused.",
			func(s Sample) float64 { return float64(s.PeerTLS.Plain) }},
		{counter, "peer_tls_fallbacks_total", "Connections to other nodes that went plain because TLS failed.",
			func(s Sample) float64 { return float64(s.PeerTLS.Fallbacks) }},
		{gauge, "http_connections", "Open connections of the public port.",
			func(s Sample) float64 { return float64(s.Connections) }},
		{counter, "http_connections_refused_total", "Connections of the public port closed at once for the limit.",
			func(s Sample) float64 { return float64(s.ConnsRefused) }},
		{counter, "files_reloaded_total", "Files of credentials taken over after a change.",
			func(s Sample) float64 { return float64(s.Files.Reloads) }},
		{counter, "files_failed_total", "Contents of files of credentials that were not usable.",
			func(s Sample) float64 { return float64(s.Files.Failures) }},
		{gauge, "files_broken", "Files of credentials that are not usable now; their last usable content is in use.",
			func(s Sample) float64 { return float64(s.Files.Broken) }},
	}
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// count returns the number of stores on a roster for which a condition holds.
func count(r roster.Roster, holds func(roster.Store) bool) float64 {
	n := 0
	for _, s := range r.Stores() {
		if holds(s) {
			n++
		}
	}
	return float64(n)
}

// ringID returns the first 48 bits of the version of a ring, which a float holds exactly.
func ringID(r *ring.Ring) float64 {
	const digits = 12
	if r == nil || len(r.Version()) < digits {
		return 0
	}
	id, _ := strconv.ParseUint(r.Version()[:digits], 16, 64) // a version is hexadecimal
	return float64(id)
}
