package node

import (
	"time"

	"flowring/router"
)

// Config is everything that an operator sets about a node. cmd/flowring fills it from flags, environment and file.
type Config struct {
	Name              string        // stable name of the node, unique in the cluster
	HTTPAddr          string        // host:port of the public API
	PeerAddr          string        // host:port of the node-to-node protocol
	GossipAddr        string        // host:port of the gossip, TCP and UDP
	AdvertiseHost     string        // host that others reach this node at; empty: the host it listens on
	Join              []string      // gossip addresses host:port of other nodes; a DNS name may resolve to many
	BootstrapExpect   int           // nodes that must be visible before a new cluster establishes itself; 0: this node, and one for each entry of Join that does not stand for it
	DataDir           string        // folder of the journal
	MinFree           int           // per cent of the data folder's file system that stay free: below it no write is admitted here; 0: none
	MemoryLimit       int64         // bytes of memory for the process; hours not used lately leave it at half of that; 0: no limit
	ReplicationFactor int           // R: copies of each batch
	WriteQuorum       int           // W: stores that have fsynced a batch before it is acknowledged; 0: R/2+1
	HourSlices        int           // S: slices of an hour
	Cluster           string        // name of the cluster, the label of its gossip; nodes of other clusters are refused. A data folder keeps the name that it has
	RenameCluster     bool          // the data folder takes the name of Cluster: for the start of all nodes of a cluster that was stopped
	Rejoin            bool          // the addresses that the data folder remembers are dialled at another address than the last too
	GossipKeyFile     string        // file with a base64 key of 16, 24 or 32 bytes that encrypts the gossip; empty: none
	MaxBody           int64         // bytes of a POST, decoded
	MaxLongAnswers    int           // answers to a GET, of more than 64 KiB, that are sent at once; 0: 8 for each processor
	MaxBuffered       int64         // bytes of the bodies of POSTs in progress; 0: 8*MaxBody, at most a quarter of MemoryLimit
	MaxPosts          int           // POSTs in progress, those that wait included; 0: one for each 32 KiB of MemoryLimit, 4096 at least
	MaxWait           time.Duration // how long a POST waits before it is refused; 0: the default
	MaxReads          int           // hours being answered at once; 0: the default
	TrustedOrigin     []string      // origins whose pages may write through a browser; none: no page of another origin may
	ReadOrigin        []string      // origins whose pages may read through a browser
	AllowedHost       []string      // names in Host, beside those of loopback, that the public port takes where it is on loopback
	BodyTimeout       time.Duration // in which a body must have been sent; 0: the default
	SealAfter         time.Duration // how long an hour must have got no batch before a snapshot replaces its batches; 0: never
	MaxFlowsPerHour   int           // different flows of an hour; 0: no limit
	MaxNamesPerHour   int           // different names of applications and VPCs in an hour; 0: no limit
	MaxHours          int           // hours that a node holds, as owner or copy; 0: no limit

	MaxHoursPerRequest int  // different hours that the records of a POST name; 0: the default
	RememberedKeys     int  // idempotency keys that this node remembers as an owner, over all hours; 0: none
	AnyHour            bool // hours that look like a time of another unit, such as seconds since 1970, are taken
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

	DefaultMaxFlowsPerHour = 10_000_000
	DefaultMaxNamesPerHour = 1_000_000
	DefaultMaxHours        = 100_000
	DefaultRememberedKeys  = 1_000_000
)

// Default returns the configuration of a single node on loopback, named name.
func Default(name string) Config {
	return Config{
		Name: name, HTTPAddr: DefaultHTTPAddr, PeerAddr: DefaultPeerAddr, GossipAddr: DefaultGossipAddr,
		DataDir: DefaultDataDir, MinFree: DefaultMinFree, ReplicationFactor: 1, HourSlices: 1, Cluster: DefaultCluster, MaxBody: DefaultMaxBody,
		SealAfter: DefaultSealAfter,
		MaxWait:   router.DefaultMaxWait, MaxReads: router.DefaultMaxReading, BodyTimeout: router.DefaultBodyTimeout,
		MaxFlowsPerHour: DefaultMaxFlowsPerHour, MaxNamesPerHour: DefaultMaxNamesPerHour, MaxHours: DefaultMaxHours,
		MaxHoursPerRequest: router.DefaultMaxHours, RememberedKeys: DefaultRememberedKeys,
	}
}
