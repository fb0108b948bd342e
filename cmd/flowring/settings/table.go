package settings

import (
	"cmp"
	"slices"
	"strings"

	"flowring/internal/browser"
	"flowring/node/access"
	"flowring/node/keyring"
	"flowring/node/peer/mtls"
	"flowring/node/senders"
	"flowring/store/limits"
)

// setting is one setting. Its flag is --name, its environment variable FLOWRING_NAME, its key in the settings file
// name.
type setting struct {
	name  string
	group string // heading in the help text
	help  string // half a sentence; it describes the default if the default is not a plain value
	value func(*Settings) value
}

// The headings, in the order of the help text.
const (
	groupNode    = "Node"
	groupLimits  = "Limits"
	groupAccess  = "Credentials"
	groupBrowser = "Browsers"
	groupSenders = "Bodies of other programs (POST /ingest/PRESET)"
	groupCluster = "Cluster"
	groupCopies  = "Copies (the same on every node)"
	groupLog     = "Log"
)

// all is the table of settings. Flags, environment variables, the settings file, help and documentation follow from it.
func all() []setting {
	return slices.Concat(ofTheNode(), ofItsLimits(), ofCredentials(), ofBrowsers(), ofSenders(), ofTheCluster(),
		ofTheLog())
}

func ofTheNode() []setting {
	return []setting{
		{"name", groupNode, "name of the node, unique in the cluster and the same after a restart " +
			"(default: the name in the data folder, or the name of the host)",
			func(s *Settings) value { return textValue{&s.Name, "name"} }},
		{"http-addr", groupNode, "address for clients",
			func(s *Settings) value { return addressValue{&s.HTTPAddr} }},
		{"peer-addr", groupNode, "address for other nodes: batches and digests",
			func(s *Settings) value { return addressValue{&s.PeerAddr} }},
		{"gossip-addr", groupNode, "address for other nodes: membership, TCP and UDP",
			func(s *Settings) value { return addressValue{&s.GossipAddr} }},
		{"advertise-host", groupNode,
			"host of this node in the addresses for other nodes (default: the host of the listening addresses)",
			func(s *Settings) value { return textValue{&s.AdvertiseHost, "host"} }},
		{"data-dir", groupNode,
			"folder of the journal; each node has its own folder, which the node makes if it is missing",
			func(s *Settings) value { return textValue{&s.DataDir, "folder"} }},
		{"backup-dir", groupNode,
			"folder below which flowring backup makes backups, best on the disk of the data folder (default: no backups)",
			func(s *Settings) value { return textValue{&s.BackupDir, "folder"} }},
		{"min-free", groupNode, "per cent of the disk that stay free: below it the node admits no write; 0 for none",
			func(s *Settings) value { return countValue{&s.MinFree, 0} }},
		{"memory-limit", groupNode, "memory for the process: bytes, or a number with KiB, MiB, GiB " +
			"(default: the memory of its cgroup or of the machine)",
			func(s *Settings) value { return sizeValue{&s.MemoryLimit, 0} }},
		{"seal-after", groupNode,
			"time without a new batch of an hour, after which a snapshot replaces its batches on disk; 0 for never",
			func(s *Settings) value { return durationValue{&s.SealAfter} }},
		{"scrub-period", groupNode,
			"time in which the node reads its whole journal again to find damage, with at most 1 % of a core; " +
				"0 for only after a start",
			func(s *Settings) value { return ageValue{&s.ScrubPeriod} }},
	}
}

func ofItsLimits() []setting { return slices.Concat(ofRequests(), ofHours()) }

func ofRequests() []setting {
	return []setting{
		{"max-body", groupLimits, "largest body of a POST, decompressed: bytes, or a number with KiB, MiB, GiB; " +
			"at least 256KiB",
			func(s *Settings) value { return sizeValue{&s.MaxBody, 1} }},
		{"max-hours-per-request", groupLimits, "different hours in the records of one POST",
			func(s *Settings) value { return countValue{&s.MaxHoursPerRequest, 1} }},
		{"max-buffered", groupLimits, "bytes in the bodies of all POSTs in progress, at least 3 times max-body " +
			"(default: 8 times max-body, at most a quarter of the memory)",
			func(s *Settings) value { return sizeValue{&s.MaxBuffered, 0} }},
		{"max-posts", groupLimits, "POSTs in progress at once, including waiting ones " +
			"(default: one for each 32 KiB of the memory, at least 4096)",
			func(s *Settings) value { return countValue{&s.MaxPosts, 0} }},
		{"max-wait", groupLimits, "time that a POST waits for other POSTs before it is refused, at most 2.8s",
			func(s *Settings) value { return durationValue{&s.MaxWait} }},
		{"max-reads", groupLimits, "answers in progress at once",
			func(s *Settings) value { return countValue{&s.MaxReads, 1} }},
		{"max-viewers", groupLimits, "viewers of streams of queries at once",
			func(s *Settings) value { return countValue{&s.MaxViewers, 1} }},
		{"max-stream-rows", groupLimits, "rows of a query with viewers, which are held in memory",
			func(s *Settings) value { return countValue{&s.MaxStreamRows, 1} }},
		{"max-queries", groupLimits, "queries of many hours in progress at once",
			func(s *Settings) value { return countValue{&s.MaxQueries, 1} }},
		{"max-hours-per-query", groupLimits, "hours in the range of a query",
			func(s *Settings) value { return countValue{&s.MaxHoursPerQuery, 1} }},
		{"max-groups-per-query", groupLimits, "groups of a query at one store " +
			"(default: one for each 512 bytes of the memory, at most 10000000)",
			func(s *Settings) value { return countValue{&s.MaxGroupsPerQuery, 0} }},
		{"query-timeout", groupLimits, "time until the first row of a query",
			func(s *Settings) value { return durationValue{&s.QueryTimeout} }},
		{"max-long-answers", groupLimits,
			"answers of more than 64 KiB in progress at once; as many more wait, for at most 3.8 s " +
				"(default: 8 for each CPU)",
			func(s *Settings) value { return countValue{&s.MaxLongAnswers, 0} }},
		{"max-connections", groupLimits,
			"open connections of the public port; an address has at most 4 times as many as are " +
				"free (default: one for each 256 KiB of the memory, at least 2048)",
			func(s *Settings) value { return countValue{&s.MaxConnections, 0} }},
		{"body-timeout", groupLimits, "time for a client to send a body",
			func(s *Settings) value { return durationValue{&s.BodyTimeout} }},
	}
}

func ofHours() []setting {
	return []setting{
		{"max-flows-per-hour", groupLimits, "different flows in an hour; 0 for no limit",
			func(s *Settings) value { return countValue{&s.MaxFlowsPerHour, 0} }},
		{"max-names-per-hour", groupLimits, "different names of applications and VPCs in an hour; 0 for no limit",
			func(s *Settings) value { return countValue{&s.MaxNamesPerHour, 0} }},
		{"max-hours", groupLimits,
			"hours of a node, as owner or replica; the last tenth is for hours within 48 hours of its clock; " +
				"0 for no limit",
			func(s *Settings) value { return countValue{&s.MaxHours, 0} }},
		{"remembered-keys", groupLimits,
			"idempotency keys that a node remembers over all hours, in at most 32 bytes each; 0 for none",
			func(s *Settings) value { return countValue{&s.RememberedKeys, 0} }},
		{"max-peer-connections", groupLimits, "open connections of the peer port; an address has at most four fifths " +
			"(default: one for each 256 KiB of the memory, at least 2048)",
			func(s *Settings) value { return countValue{&s.MaxPeerConnections, 0} }},
		{"max-peer-buffered", groupLimits, "bytes in the large bodies of all calls of other nodes " +
			"(default: a quarter of the memory, at least 256 MiB)",
			func(s *Settings) value { return sizeValue{&s.MaxPeerBuffered, 0} }},
		{"max-gossip-connections", groupLimits,
			"open connections of the gossip port from other hosts; one address has at most four fifths",
			func(s *Settings) value { return countValue{&s.MaxGossipConnections, 1} }},
		{"hours", groupLimits,
			"meaning of hours: unix for hours since 1970, which switches --max-future on, or any for other numbers",
			func(s *Settings) value { return Choice{&s.Hours, []string{limits.UnixHours, limits.AnyHours}} }},
		{"max-future", groupLimits,
			"largest distance of an hour from the clock into the future, with --hours=unix; 0 for no limit",
			func(s *Settings) value { return durationValue{&s.MaxFuture} }},
		{"retention", groupLimits,
			"age at which hours take no more records, and a day later are deleted, with --hours=unix; 0 for never",
			func(s *Settings) value { return ageValue{&s.Retention} }},
		{"max-erased-ranges", groupLimits, "separate ranges of erased hours in the cluster, at most 128",
			func(s *Settings) value { return countValue{&s.MaxErasedRanges, 1} }},
		{"any-hour", groupLimits,
			"accept hours that look like seconds, milliseconds, microseconds or nanoseconds since 1970",
			func(s *Settings) value { return switchValue{&s.AnyHour} }},
	}
}

func ofCredentials() []setting {
	return []setting{
		{"insecure", groupAccess, "allow ports beyond loopback that ask for no credentials, because a firewall or a " +
			"NetworkPolicy keeps strangers away; logs a warning each hour",
			func(s *Settings) value { return switchValue{&s.Insecure} }},
		{"tls-cert", groupAccess,
			"PEM file of the certificate of the public port, with intermediate ones; read again when it " +
				"changes (default: no TLS)",
			func(s *Settings) value { return textValue{&s.TLSCert, "file"} }},
		{"tls-key", groupAccess, "PEM file of its private key",
			func(s *Settings) value { return textValue{&s.TLSKey, "file"} }},
		{"tls-client-ca", groupAccess, "PEM file of the authorities of client certificates; " +
			"the lines with cert in --tokens-file have their scopes (default: no client certificates)",
			func(s *Settings) value { return textValue{&s.TLSClientCA, "file"} }},
		{"tokens-file", groupAccess,
			"file of principals, lines of 'name scopes sha256-of-token' or 'name scopes cert'; " +
				"read again when it changes; 'flowring token new' prints a line (default: no credentials)",
			func(s *Settings) value { return textValue{&s.TokensFile, "file"} }},
		{"auth", groupAccess,
			"permissive answers and counts the requests that required refuses, except admin calls; needs --tokens-file",
			func(s *Settings) value { return Choice{&s.Auth, []string{access.Required, access.Permissive}} }},
		{"metrics-open", groupAccess, "answer /metrics without credentials",
			func(s *Settings) value { return switchValue{&s.MetricsOpen} }},
	}
}

func ofSenders() []setting {
	return []setting{
		{"names-file", groupSenders,
			"CSV file with the columns cidr, app, vpc, which names addresses; read again when it changes (default: no names)",
			func(s *Settings) value { return textValue{&s.NamesFile, "file"} }},
		{"observed", groupSenders,
			"ranges of addresses whose hosts report their own traffic, beside the addresses with a name: " +
				"a record of the receiver is set aside if its sender is one of them",
			func(s *Settings) value { return listValue{&s.Observed, "cidr", senders.CheckRange} }},
		{"presets", groupSenders, "YAML files of presets beside the embedded ones, see 'flowring presets'",
			func(s *Settings) value {
				return listValue{&s.Presets, "file", func(text string) (string, error) { return text, nil }}
			}},
		{"max-names-rows", groupSenders, "rows of the names file",
			func(s *Settings) value { return countValue{&s.MaxNamesRows, 1} }},
		{"max-ingest-parts", groupSenders, "records of hours that one body may become",
			func(s *Settings) value { return countValue{&s.MaxIngestParts, 1} }},
		{"max-otlp-points", groupSenders, "data points of one body of OTLP metrics",
			func(s *Settings) value { return countValue{&s.MaxOtlpPoints, 1} }},
		{"max-otlp-attributes", groupSenders, "attributes of one body of OTLP metrics",
			func(s *Settings) value { return countValue{&s.MaxOtlpAttributes, 1} }},
	}
}

func ofBrowsers() []setting {
	return []setting{
		{"trusted-origin", groupBrowser,
			"origin of web pages that may post through a browser; may be repeated (default: none)",
			func(s *Settings) value { return listValue{&s.TrustedOrigin, "URL", browser.Origin} }},
		{"read-origin", groupBrowser,
			"origin of web pages that may read through a browser (CORS); may be repeated (default: none)",
			func(s *Settings) value { return listValue{&s.ReadOrigin, "URL", browser.Origin} }},
		{"allowed-host", groupBrowser,
			"host name in requests to a node on loopback, beside localhost and the loopback addresses; " +
				"may be repeated (default: none)",
			func(s *Settings) value { return listValue{&s.AllowedHost, "host", browser.Host} }},
	}
}

func ofTheCluster() []setting {
	return []setting{
		{"join", groupCluster, "gossip addresses of other nodes, or a DNS name with many addresses; may be repeated",
			func(s *Settings) value { return addresses(&s.Join) }},
		{"bootstrap-expect", groupCluster,
			"nodes that must see each other before they found a cluster; no effect without --join " +
				"(default: this node, and one for each join address of another node)",
			func(s *Settings) value { return countValue{&s.BootstrapExpect, 0} }},
		{"cluster", groupCluster,
			"name of the cluster; nodes with another name are refused, and a data folder keeps its name",
			func(s *Settings) value { return textValue{&s.Cluster, "name"} }},
		{"rename-cluster", groupCluster, "write the name of --cluster to the data folder, while all nodes are stopped",
			func(s *Settings) value { return switchValue{&s.RenameCluster} }},
		{"rejoin", groupCluster, "dial the addresses in the data folder, even if the node runs at a new address",
			func(s *Settings) value { return switchValue{&s.Rejoin} }},
		{"gossip-keys-file", groupCluster,
			"file with the base64 keys of the gossip, of 16, 24 or 32 bytes, one a line: the first encrypts, all decrypt; " +
				"a change takes effect at once (default: no encryption)",
			func(s *Settings) value { return textValue{&s.GossipKeysFile, "file"} }},
		{"gossip-verify", groupCluster,
			"use of the gossip keys: accept plain and encrypted gossip and send plain gossip; send encrypted gossip; " +
				"or require encryption",
			func(s *Settings) value {
				return Choice{(*string)(&s.GossipVerify),
					[]string{string(keyring.Accept), string(keyring.Send), string(keyring.Require)}}
			}},
		{"peer-tls-cert", groupCluster,
			"PEM file of the certificate of this node for calls between nodes; a change takes effect at once " +
				"(default: no TLS between nodes)",
			func(s *Settings) value { return textValue{&s.PeerTLSCert, "file"} }},
		{"peer-tls-key", groupCluster, "PEM file of its private key",
			func(s *Settings) value { return textValue{&s.PeerTLSKey, "file"} }},
		{"peer-tls-ca", groupCluster, "PEM file of the authorities that sign the certificates of all nodes",
			func(s *Settings) value { return textValue{&s.PeerTLSCA, "file"} }},
		{"peer-tls-any-name", groupCluster, "accept any certificate of the authorities for any node, whatever its names are",
			func(s *Settings) value { return switchValue{&s.PeerTLSAnyName} }},
		{"peer-tls-mode", groupCluster, "permissive: serve and make plain calls too, while TLS is being switched on",
			func(s *Settings) value {
				return Choice{(*string)(&s.PeerTLSMode), []string{string(mtls.Permissive), string(mtls.Required)}}
			}},

		{"replication-factor", groupCopies, "R: nodes that hold each batch",
			func(s *Settings) value { return countValue{&s.ReplicationFactor, 1} }},
		{"write-quorum", groupCopies, "W: nodes that have a batch on disk before it is acknowledged (default: R/2+1)",
			func(s *Settings) value { return countValue{&s.WriteQuorum, 0} }},
		{"hour-slices", groupCopies,
			"S: slices of an hour, each placed on its own, for hours that are too busy for one node",
			func(s *Settings) value { return countValue{&s.HourSlices, 1} }},
	}
}

func ofTheLog() []setting {
	return []setting{
		{"log-level", groupLog, "lowest level of messages in the log",
			func(s *Settings) value { return Choice{&s.LogLevel, []string{"debug", "info", "warn", "error"}} }},
		{"log-format", groupLog, "format of the log on stderr; text has short aligned lines on a terminal",
			func(s *Settings) value { return Choice{&s.LogFormat, []string{"text", "json"}} }},
		{"debug-addr", groupLog, "address of profiles (pprof), on loopback (default: none)",
			func(s *Settings) value { return debugValue{&s.DebugAddr} }},
		{"config", groupLog, "YAML file of settings; 'flowring help settings' writes one",
			func(s *Settings) value { return textValue{&s.File, "file"} }},
	}
}

// env returns the environment variable of the setting: FLOWRING_HTTP_ADDR for http-addr.
func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

// earlier maps the earlier name of a setting to its name.
var earlier = map[string]string{"gossip-key-file": "gossip-keys-file"}

// lookup returns the setting with a name, or with an earlier name.
func lookup(name string) (setting, bool) {
	name = cmp.Or(earlier[name], name)
	for _, s := range all() {
		if s.name == name {
			return s, true
		}
	}
	return setting{}, false
}
