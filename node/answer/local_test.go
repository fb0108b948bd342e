package answer

import (
	"context"
	"errors"
	"net"
	"testing"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/node/peer"
	"flowring/ring/roster"
)

// nobody is the Rosters of a caller that knows no store.
type nobody struct{}

func (nobody) Roster() roster.Roster           { return roster.Roster{} }
func (nobody) Offer() compat.Offer             { return compat.Offer{} }
func (nobody) MergeRoster(roster.Roster) error { return nil }

// If the store that lacks least cannot be reached, the read does not fail: the owner reads by itself.
func TestASilentStoreWithMoreBatchesIsNotHeard(t *testing.T) {
	dial := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	r := Reader{Deps: Deps{Client: peer.NewClient(peer.ClientDeps{Rosters: nobody{}, Dial: dial})}}
	defer r.Client.Close()
	answer, heard, err := r.readAt(t.Context(), "10.0.0.1:8081", flow.Slice{Hour: 1}, peer.Wanted{})
	if answer != nil || heard || err == nil {
		t.Errorf("readAt = %v, heard %t, %v, want an error of a store that was not heard", answer, heard, err)
	}
}
