package peer

import "net/url"

const (
	prefix = "/peer/v1/"

	headerStore       = "Flowring-Store"        // id name established, of who speaks
	headerRoster      = "Flowring-Roster"       // hash of the speaker's roster
	headerRosterValue = "Flowring-Roster-Value" // the answerer's roster, where the hashes differ
	headerCluster     = "Flowring-Cluster"      // cluster ID of the caller
	headerComplete    = "Flowring-Complete"
	headerTag         = "Flowring-Tag"   // of the flows, whether they follow or not
	headerDoubt       = "Flowring-Doubt" // with a digest: why it may lack something that it should have

	doubtTakingOver = "taking-over"
	doubtRecovering = "recovering"

	maxHello = 1 << 20
	maxError = 64 << 10
)

// query builds the query of a call from pairs of name and value, leaving out empty values.
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
