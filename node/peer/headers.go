package peer

import "net/url"

const (
	prefix = "/peer/v1/"

	headerStore       = "Flowring-Store"        // ID, name and established, of the answering store
	headerRoster      = "Flowring-Roster"       // hash of the caller's roster
	headerRosterValue = "Flowring-Roster-Value" // the answerer's roster, if the hashes differ
	headerNode        = "Flowring-Node"         // name and advertised host of the caller
	headerCluster     = "Flowring-Cluster"      // cluster ID of the caller
	headerVersions    = "Flowring-Versions"     // compat.Offer of the sender, in both directions; none: version 1 alone
	headerComplete    = "Flowring-Complete"
	headerTag         = "Flowring-Tag"   // of the flows, even without a body
	headerDoubt       = "Flowring-Doubt" // with a digest: the reason for which batches may be missing

	headerNames     = "Flowring-Names" // of flows in columns
	namesOfSlice    = "slice"          // all parts share one table of names
	doubtTakingOver = "taking-over"
	doubtRecovering = "recovering"

	maxHello = 1 << 20
	maxError = 64 << 10
	maxQuery = 64 << 20 // bytes of a query, with a line for each slice
)

// query builds the query of a call from pairs of name and value. It omits empty values.
func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}
