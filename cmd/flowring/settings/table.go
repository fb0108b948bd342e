package settings

import (
	"slices"
	"strings"

	"flowring/internal/browser"
)

// setting is one thing that can be set. The flag is --name, the environment variable FLOWRING_NAME, the key in the file name.
type setting struct {
	name  string
	group string // headline in the help text
	help  string // half a sentence; what is said about the default stands here when the default is not a plain value
	value func(*Settings) value
}

// The headlines, in the order of the help text.
const (
	groupNode    = "Node"
	groupLimits  = "Limits"
	groupBrowser = "Browsers"
	groupCluster = "Cluster"
	groupCopies  = "Copies (the same on every node)"
	groupLog     = "Log"
)

// all is the one table of settings: flags, environment, file, help and documentation are made from it.
func all() []setting {
	return slices.Concat(ofTheNode(), ofItsLimits(), ofBrowsers(), ofTheCluster(), ofTheLog())
}

func ofTheNode() []setting {
	return []setting{
		{"name", groupNode, "name of the node, unique in the cluster and the same after a restart (default: that of the data folder, or the host's name)",
			func(s *Settings) value { return textValue{&s.Name, "name"} }},
		{"http-addr", groupNode, "where to listen for clients",
			func(s *Settings) value { return addressValue{&s.HTTPAddr} }},
		{"peer-addr", groupNode, "where to listen for other nodes: batches and digests",
			func(s *Settings) value { return addressValue{&s.PeerAddr} }},
		{"gossip-addr", groupNode, "where to listen for other nodes: membership, TCP and UDP",
			func(s *Settings) value { return addressValue{&s.GossipAddr} }},
		{"advertise-host", groupNode, "host that other nodes reach this one at (default: the host it listens on)",
			func(s *Settings) value { return textValue{&s.AdvertiseHost, "host"} }},
		{"data-dir", groupNode, "folder of the journal, made if it is not there; one per node",
			func(s *Settings) value { return textValue{&s.DataDir, "folder"} }},
		{"min-free", groupNode, "per cent of the disk that stay free: below it no write is admitted; 0 for none",
			func(s *Settings) value { return countValue{&s.MinFree, 0} }},
		{"memory-limit", groupNode, "memory for the process: bytes, or a number with KiB, MiB, GiB " +
			"(default: what its cgroup or the machine has)",
			func(s *Settings) value { return sizeValue{&s.MemoryLimit, 0} }},
		{"seal-after", groupNode, "how long an hour must have got no batch before one snapshot replaces its batches on disk; 0 for never",
			func(s *Settings) value { return durationValue{&s.SealAfter} }},
	}
}

func ofItsLimits() []setting {
	return []setting{
		{"max-body", groupLimits, "largest POST accepted, decompressed: bytes, or a number with KiB, MiB, GiB",
			func(s *Settings) value { return sizeValue{&s.MaxBody, 1} }},
		{"max-hours-per-request", groupLimits, "different hours that the records of a POST may name",
			func(s *Settings) value { return countValue{&s.MaxHoursPerRequest, 1} }},
		{"max-buffered", groupLimits, "bytes that the bodies of POSTs in progress may take, at least 3 times max-body " +
			"(default: 8 times max-body, at most a quarter of the memory)",
			func(s *Settings) value { return sizeValue{&s.MaxBuffered, 0} }},
		{"max-posts", groupLimits, "POSTs in progress at once, those that wait included " +
			"(default: one for each 32 KiB of the memory, 4096 at least)",
			func(s *Settings) value { return countValue{&s.MaxPosts, 0} }},
		{"max-wait", groupLimits, "how long a POST may wait for others before it is refused, at most 2.8s",
			func(s *Settings) value { return durationValue{&s.MaxWait} }},
		{"max-reads", groupLimits, "hours being answered at once",
			func(s *Settings) value { return countValue{&s.MaxReads, 1} }},
		{"max-long-answers", groupLimits, "of these, answers of more than 64 KiB that are sent at once; as many wait, for 3.8 s at most " +
			"(default: 8 for each CPU)",
			func(s *Settings) value { return countValue{&s.MaxLongAnswers, 0} }},
		{"body-timeout", groupLimits, "how long a client may take to send a body",
			func(s *Settings) value { return durationValue{&s.BodyTimeout} }},
		{"max-flows-per-hour", groupLimits, "different flows that an hour may have; 0 for no limit",
			func(s *Settings) value { return countValue{&s.MaxFlowsPerHour, 0} }},
		{"max-names-per-hour", groupLimits, "different names of applications and VPCs that an hour may have; 0 for no limit",
			func(s *Settings) value { return countValue{&s.MaxNamesPerHour, 0} }},
		{"max-hours", groupLimits, "hours that a node may hold, as owner or copy, the last tenth only within 48 hours of its clock; " +
			"0 for no limit",
			func(s *Settings) value { return countValue{&s.MaxHours, 0} }},
		{"remembered-keys", groupLimits, "idempotency keys that a node remembers over all hours, 32 bytes of memory each at most; 0 for none",
			func(s *Settings) value { return countValue{&s.RememberedKeys, 0} }},
		{"any-hour", groupLimits, "take hours that look like seconds, milliseconds, microseconds or nanoseconds since 1970",
			func(s *Settings) value { return switchValue{&s.AnyHour} }},
	}
}

func ofBrowsers() []setting {
	return []setting{
		{"trusted-origin", groupBrowser, "origin whose pages may post through a browser; may be repeated (default: none)",
			func(s *Settings) value { return listValue{&s.TrustedOrigin, "URL", browser.Origin} }},
		{"read-origin", groupBrowser, "origin whose pages may read through a browser (CORS); may be repeated (default: none)",
			func(s *Settings) value { return listValue{&s.ReadOrigin, "URL", browser.Origin} }},
		{"allowed-host", groupBrowser, "host name that requests may give to a node that listens on loopback, beside localhost and the " +
			"loopback addresses; may be repeated (default: none)",
			func(s *Settings) value { return listValue{&s.AllowedHost, "host", browser.Host} }},
	}
}

func ofTheCluster() []setting {
	return []setting{
		{"join", groupCluster, "gossip addresses of other nodes, or a DNS name that resolves to many; may be repeated",
			func(s *Settings) value { return addresses(&s.Join) }},
		{"bootstrap-expect", groupCluster, "nodes that must see each other before they make a new cluster " +
			"(default: this one, and one for each join address of another)",
			func(s *Settings) value { return countValue{&s.BootstrapExpect, 0} }},
		{"cluster", groupCluster, "name of the cluster; nodes of another name are refused, and a data folder keeps the name that it has",
			func(s *Settings) value { return textValue{&s.Cluster, "name"} }},
		{"rename-cluster", groupCluster, "give the data folder the name of --cluster in place of its own, while all nodes are stopped",
			func(s *Settings) value { return switchValue{&s.RenameCluster} }},
		{"rejoin", groupCluster, "dial the addresses that the data folder remembers, although the node runs at another address than it did last",
			func(s *Settings) value { return switchValue{&s.Rejoin} }},
		{"gossip-key-file", groupCluster, "file with the base64 key, of 16, 24 or 32 bytes, that encrypts the gossip " +
			"(default: not encrypted)",
			func(s *Settings) value { return textValue{&s.GossipKeyFile, "file"} }},

		{"replication-factor", groupCopies, "R: nodes that hold each batch",
			func(s *Settings) value { return countValue{&s.ReplicationFactor, 1} }},
		{"write-quorum", groupCopies, "W: nodes that have each batch on disk before the client is told so (default: R/2+1)",
			func(s *Settings) value { return countValue{&s.WriteQuorum, 0} }},
		{"hour-slices", groupCopies, "S: parts of an hour that are placed apart, for hours too busy for one node",
			func(s *Settings) value { return countValue{&s.HourSlices, 1} }},
	}
}

func ofTheLog() []setting {
	return []setting{
		{"log-level", groupLog, "least important message to log",
			func(s *Settings) value { return Choice{&s.LogLevel, []string{"debug", "info", "warn", "error"}} }},
		{"log-format", groupLog, "how to write the log, to stderr",
			func(s *Settings) value { return Choice{&s.LogFormat, []string{"text", "json"}} }},
		{"config", groupLog, "YAML file of settings; 'flowring help settings' writes one",
			func(s *Settings) value { return textValue{&s.File, "file"} }},
	}
}

// env returns the environment variable of the setting: FLOWRING_HTTP_ADDR for http-addr.
func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

// lookup returns the setting of a name.
func lookup(name string) (setting, bool) {
	for _, s := range all() {
		if s.name == name {
			return s, true
		}
	}
	return setting{}, false
}
