package node

import (
	"time"

	"flowring/node/access"
	"flowring/node/erasure"
	"flowring/node/keyring"
	"flowring/node/member"
	"flowring/node/peer/mtls"
	"flowring/node/queries"
	"flowring/node/senders"
	"flowring/router"
	"flowring/store/limits"
)

// Config has all settings of a node. cmd/flowring fills it from flags, environment and file.
type Config struct {
	Name              string        // stable name of the node, unique in the cluster
	HTTPAddr          string        // host:port of the public API
	PeerAddr          string        // host:port of the node-to-node protocol
	GossipAddr        string        // host:port of the gossip, TCP and UDP
	AdvertiseHost     string        // host of this node for other nodes; empty: the host of PeerAddr
	Join              []string      // gossip addresses host:port of other nodes; a DNS name may resolve to many
	BootstrapExpect   int           // nodes that must see each other to found a cluster; 0: this one and those in Join
	DataDir           string        // folder of the journal
	BackupDir         string        // folder below which operators have backups made; empty: none
	MinFree           int           // per cent of the file system that stay free: below it writes are refused; 0: none
	MemoryLimit       int64         // bytes for the process; idle hours leave memory at half of it; 0: no limit
	ReplicationFactor int           // R: copies of each batch
	WriteQuorum       int           // W: stores with the batch fsynced before it is acknowledged; 0: R/2+1
	HourSlices        int           // S: slices of an hour
	Cluster           string        // name of the cluster and label of its gossip; a data folder keeps its name
	RenameCluster     bool          // the data folder takes the name in Cluster, while the whole cluster is stopped
	Rejoin            bool          // dial the saved addresses even if this node's address has changed
	GossipKeysFile    string        // file of the keys of the gossip, one a line, the encrypting one first; empty: none
	MaxBody           int64         // bytes of a POST, decoded
	MaxLongAnswers    int           // answers to GETs above 64 KiB sent at once; 0: 8 for each processor
	MaxBuffered       int64         // bytes of all bodies of POSTs in progress; 0: 8*MaxBody, at most MemoryLimit/4
	MaxPosts          int           // POSTs in progress, waiting ones included; 0: MemoryLimit/32 KiB, at least 4096
	MaxWait           time.Duration // longest wait of a POST before it is refused; 0: the default
	MaxReads          int           // hours answered at once; 0: the default
	TrustedOrigin     []string      // origins of web pages with the right to write; none: no page of another origin
	ReadOrigin        []string      // origins of web pages with the right to read
	AllowedHost       []string      // Host headers allowed on a public port of loopback, beside names of loopback
	MaxConnections    int           // open connections of the public port; 0: MemoryLimit/256 KiB, at least 2048
	TLSCert           string        // PEM file of the certificate of the public port; empty: no TLS
	TLSKey            string        // PEM file of its key
	TLSClientCA       string        // PEM file of the authorities of client certificates; empty: none is asked for
	Insecure          bool          // ports beyond loopback need no credentials
	TokensFile        string        // file with the principals of the public port; empty: it asks for no credentials
	Auth              string        // access.Required or access.Permissive, where TokensFile refuses; empty: required
	MetricsOpen       bool          // /metrics needs no credentials
	BodyTimeout       time.Duration // time for a client to send a body; 0: the default
	SealAfter         time.Duration // time without a batch before a snapshot replaces the batches of an hour; 0: never
	ScrubPeriod       time.Duration // time in which the node reads its whole journal again; 0: only after a start
	MaxFlowsPerHour   int           // different flows of an hour; 0: no limit
	MaxNamesPerHour   int           // different names of applications and VPCs in an hour; 0: no limit
	MaxHours          int           // hours held by a node, as owner or copy; 0: no limit

	GossipVerify keyring.Verify // how far the keys of the gossip are switched on; empty: keyring.Require

	MaxHoursPerRequest          int           // different hours in the records of a POST; 0: the default
	MaxHoursPerQuery            int           // hours in the range of a query; 0: the default
	MaxGroupsPerQuery           int           // groups of a query at one store; 0: MemoryLimit/512, at most the default
	MaxViewers, MaxStreamRows   int           // viewers of queries at once, rows of a query with viewers; 0: the defaults
	MaxQueries, MaxErasedRanges int           // queries of this node at once, ranges of erased hours; 0: the defaults
	QueryTimeout                time.Duration // time until the first row of a query; 0: the default

	RememberedKeys       int   // idempotency keys remembered by this node as an owner, over all hours; 0: none
	AnyHour              bool  // accept hours that look like another unit, such as seconds since 1970
	MaxPeerConnections   int   // open connections of the peer port; 0: one for each 256 KiB of MemoryLimit
	MaxPeerBuffered      int64 // bytes of the bodies of calls of other nodes; 0: MemoryLimit/4, at least one largest batch
	MaxGossipConnections int   // open connections of the gossip port, made by other hosts; 0: the default

	Retention time.Duration // with unix hours, the age at which hours are closed, and deleted a day later; 0: never
	Hours     string        // limits.UnixHours or limits.AnyHours; empty: any
	MaxFuture time.Duration // with unix hours, how far ahead of the clock an hour may be; 0: no limit

	NamesFile         string   // CSV of address ranges and their names, for bodies of other programs; empty: none
	Observed          []string // ranges whose hosts report their own traffic
	Presets           []string // YAML files, beside the embedded presets
	MaxNamesRows      int      // rows of NamesFile
	MaxIngestParts    int      // records of hours that a body may become
	MaxOtlpPoints     int      // data points of a body of OTLP
	MaxOtlpAttributes int      // attributes of a body of OTLP

	PeerTLSCert    string    // PEM file of this node's certificate for the peer port; empty: plain
	PeerTLSKey     string    // PEM file of its key
	PeerTLSCA      string    // PEM file of the authorities of all nodes
	PeerTLSAnyName bool      // one certificate is of all nodes
	PeerTLSMode    mtls.Mode // how far peer TLS is switched on; empty: mtls.Required
}

// The defaults: a single node on loopback.
const (
	DefaultHTTPAddr   = "127.0.0.1:8080"
	DefaultPeerAddr   = "127.0.0.1:8081"
	DefaultGossipAddr = "127.0.0.1:7946"
	DefaultDataDir    = "./flowring-data"
	DefaultCluster    = "flowring"
	DefaultMaxBody    = 32 << 20
	DefaultMinFree    = 10
	DefaultSealAfter  = 15 * time.Minute
	DefaultScrub      = 7 * 24 * time.Hour

	DefaultMaxFlowsPerHour = 10_000_000

	DefaultMaxNamesPerHour = 1_000_000
	DefaultMaxHours        = 100_000
	DefaultRememberedKeys  = 1_000_000
)

// Default returns the configuration of a single node on loopback, named name.
func Default(name string) Config {
	return Config{
		Name: name, HTTPAddr: DefaultHTTPAddr, PeerAddr: DefaultPeerAddr, GossipAddr: DefaultGossipAddr,
		DataDir: DefaultDataDir, MinFree: DefaultMinFree, ReplicationFactor: 1, HourSlices: 1, Cluster: DefaultCluster,
		MaxGossipConnections: member.DefaultMaxStreams, MaxStreamRows: router.DefaultMaxStreamRows, MaxBody: DefaultMaxBody,
		MaxHoursPerRequest: router.DefaultMaxHours, MaxHoursPerQuery: queries.DefaultMaxHours, SealAfter: DefaultSealAfter,
		MaxFlowsPerHour: DefaultMaxFlowsPerHour, MaxNamesPerHour: DefaultMaxNamesPerHour, MaxWait: router.DefaultMaxWait,
		BodyTimeout: router.DefaultBodyTimeout, MaxQueries: queries.DefaultMaxQueries, MaxViewers: router.DefaultMaxViewers,
		RememberedKeys: DefaultRememberedKeys, QueryTimeout: queries.DefaultTimeout, MaxReads: router.DefaultMaxReading,
		GossipVerify: keyring.Require, PeerTLSMode: mtls.Required, MaxHours: DefaultMaxHours, Auth: access.Required,
		Hours: limits.AnyHours, MaxFuture: limits.DefaultAhead, ScrubPeriod: DefaultScrub, Observed: senders.Observed(),
		MaxNamesRows: senders.DefaultMaxRows, MaxIngestParts: senders.DefaultMaxParts,
		MaxErasedRanges: erasure.DefaultMaxRanges, MaxOtlpPoints: senders.DefaultMaxPoints,
		MaxOtlpAttributes: senders.DefaultMaxAttributes,
	}
}
