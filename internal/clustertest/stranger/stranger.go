package stranger

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"flowring/internal/compat"
	"flowring/node/peer"
	"flowring/ring/roster"
)

// caller belongs to no cluster. It keeps the last roster of an answer.
type caller struct{ heard roster.Roster }

func (*caller) Roster() roster.Roster { return roster.Roster{} }
func (*caller) Offer() compat.Offer   { return compat.Offer{Speaks: compat.Range{Oldest: 1, Newest: 9}} }

func (c *caller) MergeRoster(r roster.Roster) error {
	c.heard = r
	return nil
}

// Exchange sends a roster to the peer port of a node, as in a heartbeat, and returns the roster of the answer.
func Exchange(
	dial func(ctx context.Context, network, addr string) (net.Conn, error), addr string, sent roster.Roster,
) (roster.Roster, error) {
	var c caller
	client := peer.NewClient(peer.ClientDeps{Rosters: &c, Dial: dial})
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := client.Hello(ctx, addr, peer.Hello{Roster: sent})
	return c.heard, err
}

// later is a field of a roster that no program of the tests knows.
const later = `"later":{"since":7}`

// Later returns a roster of a cluster with a field of a later program.
func Later(cluster string) roster.Roster {
	r, err := roster.Parse(fmt.Appendf(nil, `{"version":1,"cluster":%q,"stores":[],%s}`, cluster, later))
	if err != nil {
		panic(err) // the text is constant, and the name of a cluster is valid
	}
	return r
}

// Want describes the roster that each node must have.
type Want struct {
	Later   bool           // the field of Later
	Version compat.Version // on in the cluster; 0: any
}

// Check returns nil for a roster as wanted.
func (w Want) Check(r roster.Roster) error {
	text, err := r.MarshalJSON()
	switch {
	case err != nil:
		return err
	case w.Later && !strings.Contains(string(text), later):
		return errors.New("a field of a later program is lost")
	case w.Version > 0 && r.Version() != w.Version:
		return fmt.Errorf("version %d is on, and every node speaks version %d", r.Version(), w.Version)
	}
	return nil
}
