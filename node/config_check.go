package node

import (
	"errors"
	"fmt"
	"net"

	"flowring/node/access"
	"flowring/node/erasure"
	"flowring/node/keyring"
	"flowring/node/peer/mtls"
	"flowring/node/retention"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/router"
	"flowring/store/limits"
)

// withDefaults fills empty settings and checks the rest.
func (c Config) withDefaults() (Config, error) {
	if c.WriteQuorum == 0 {
		c.WriteQuorum = c.ReplicationFactor/2 + 1
	}
	if c.GossipVerify == "" {
		c.GossipVerify = keyring.Require
	}
	if c.PeerTLSMode == "" {
		c.PeerTLSMode = mtls.Required
	}
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.AdvertiseHost == "" {
		host, _, err := net.SplitHostPort(c.PeerAddr)
		if err != nil {
			return c, fmt.Errorf("peer address %q: %w", c.PeerAddr, err)
		}
		c.AdvertiseHost = host
	}
	return c, c.check()
}

// minMemory is enough for the journal's memtables and cache, and for a few requests.
const minMemory = 256 << 20

// maxSlices bounds the work of one GET: a round of questions for each slice.
const maxSlices = 256

// check reports every invalid setting.
func (c Config) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := roster.ValidName(c.Name); err != nil {
		bad("node name: %w", err)
	}
	if err := roster.ValidClusterName(c.Cluster); err != nil {
		bad("cluster name: %w", err)
	}
	if c.ReplicationFactor < 1 || c.ReplicationFactor > 16 {
		bad("replication factor %d: must be 1 to 16", c.ReplicationFactor)
	}
	if c.WriteQuorum < 1 || c.WriteQuorum > c.ReplicationFactor {
		bad("write quorum %d: must be 1 to the replication factor %d", c.WriteQuorum, c.ReplicationFactor)
	}
	if c.HourSlices < 1 || c.HourSlices > maxSlices {
		bad("hour slices %d: must be 1 to %d", c.HourSlices, maxSlices)
	}
	if !c.GossipVerify.Valid() {
		bad("gossip-verify %q: must be %s, %s or %s", c.GossipVerify, keyring.Accept, keyring.Send, keyring.Require)
	}
	errs = append(errs, mtls.CheckSettings(c.PeerTLSMode, c.PeerTLSCert, c.PeerTLSKey, c.PeerTLSCA))
	c.checkLimits(bad)
	errs = append(errs, limits.CheckHours(c.Hours, c.AnyHour), retention.Check(c.Retention, c.Hours == limits.UnixHours))
	c.access().Check(bad)
	if c.DataDir == "" {
		bad("data folder: must not be empty")
	}
	if ip := net.ParseIP(c.AdvertiseHost); c.AdvertiseHost == "" || ip != nil && ip.IsUnspecified() {
		bad("advertised host: %q is no host that others can reach: set the host of this node, because it listens on all its"+
			" addresses", c.AdvertiseHost)
	}
	for _, addr := range append([]string{c.HTTPAddr, c.PeerAddr, c.GossipAddr}, c.Join...) {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			bad("address %q: %w", addr, err)
		}
	}
	return errors.Join(errs...)
}

// access returns the settings of the ports' guards. A mode that lets strangers pass is no guard.
func (c Config) access() access.Settings {
	return access.Settings{
		Auth: c.Auth, TokensFile: c.TokensFile, TLSCert: c.TLSCert, TLSKey: c.TLSKey, TLSClientCA: c.TLSClientCA,
		TrustedOrigin: c.TrustedOrigin, ReadOrigin: c.ReadOrigin, AllowedHost: c.AllowedHost,
		HTTPAddr: c.HTTPAddr, PeerAddr: c.PeerAddr, GossipAddr: c.GossipAddr, Insecure: c.Insecure,
		PeerTLS:    c.PeerTLSCert != "" && c.PeerTLSMode != mtls.Permissive,
		GossipKeys: c.GossipKeysFile != "" && c.GossipVerify.RefusesPlain(),
	}
}

// checkLimits reports the invalid limits.
func (c Config) checkLimits(bad func(format string, args ...any)) {
	if c.MinFree < 0 || c.MinFree > 90 {
		bad("min-free %d: must be 0 to 90 per cent", c.MinFree)
	}
	if c.MemoryLimit < 0 || c.MemoryLimit > 0 && c.MemoryLimit < minMemory {
		bad("memory limit of %d bytes: must be at least %d", c.MemoryLimit, int64(minMemory))
	}
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"max-hours-per-request", int64(c.MaxHoursPerRequest)}, {"max-groups-per-query", int64(c.MaxGroupsPerQuery)},
		{"max-hours-per-query", int64(c.MaxHoursPerQuery)}, {"max-flows-per-hour", int64(c.MaxFlowsPerHour)},
		{"max-names-per-hour", int64(c.MaxNamesPerHour)}, {"max-long-answers", int64(c.MaxLongAnswers)},
		{"remembered-keys", int64(c.RememberedKeys)}, {"max-stream-rows", int64(c.MaxStreamRows)},
		{"query-timeout", int64(c.QueryTimeout)}, {"body-timeout", int64(c.BodyTimeout)}, {"max-posts", int64(c.MaxPosts)},
		{"max-queries", int64(c.MaxQueries)}, {"max-viewers", int64(c.MaxViewers)}, {"max-reads", int64(c.MaxReads)},
		{"max-hours", int64(c.MaxHours)}, {"max-buffered", c.MaxBuffered}, {"max-wait", int64(c.MaxWait)},
		{"max-connections", int64(c.MaxConnections)}, {"max-future", int64(c.MaxFuture)},
		{"max-names-rows", int64(c.MaxNamesRows)}, {"max-ingest-parts", int64(c.MaxIngestParts)},
		{"max-otlp-points", int64(c.MaxOtlpPoints)}, {"max-otlp-attributes", int64(c.MaxOtlpAttributes)},
		{"max-erased-ranges", int64(c.MaxErasedRanges)}, {"bootstrap-expect", int64(c.BootstrapExpect)},
		{"seal-after", int64(c.SealAfter)}, {"scrub-period", int64(c.ScrubPeriod)},
	} {
		if limit.value < 0 {
			bad("%s %d: must not be negative", limit.name, limit.value)
		}
	}
	if c.MaxErasedRanges > erasure.DefaultMaxRanges {
		bad("max-erased-ranges %d: must be at most %d, because several nodes may erase at once",
			c.MaxErasedRanges, erasure.DefaultMaxRanges)
	}
	if c.MaxBody < router.LeastBody {
		bad("max-body %d: must be at least %d, because the default of max-buffered follows it and must have room for the"+
			" buffers of a POST", c.MaxBody, router.LeastBody)
	}
	if c.MaxWait > router.LongestWait {
		bad("max-wait %s: must be at most %s, because a node answers a POST within %s", c.MaxWait, router.LongestWait,
			router.DefaultTimeout)
	}
	if c.MemoryLimit > 0 && 6*c.MaxBody > c.MemoryLimit {
		bad("max-body %d: must be at most a sixth of the memory limit of %d bytes, because memory must have room for three"+
			" of the largest bodies", c.MaxBody, c.MemoryLimit)
	}
	if c.MaxBuffered > 0 && c.MaxBuffered < 3*c.MaxBody {
		bad("max-buffered %d: must be at least 3 times max-body, because a compressed body needs as much", c.MaxBuffered)
	}
}

// parameters has the settings that all nodes of a cluster must share. Nodes compare it when they meet.
func (c Config) parameters() string {
	return fmt.Sprintf("%s R=%d W=%d", ring.Parameters(c.HourSlices), c.ReplicationFactor, c.WriteQuorum)
}
