package operator

import (
	"context"
	"testing"

	"flowring/internal/contract"
	"flowring/node/peer"
	"flowring/ring/roster"
)

// A raise that an operator confirms is told to all nodes before the call ends. While stores know different floors, a request of
// a closed hour is a 503 although it could be refused. A refusal tells nothing.
func TestAConfirmedRaiseIsToldAtOnce(t *testing.T) {
	refusal := contract.Guarded.Errorf("nothing to confirm")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, "confirm, tell"},
		{refusal, "confirm"},
	} {
		done := ""
		d := Door{Deps{
			Confirm: func() error { done += "confirm"; return tt.err },
			Heartbeats: func(context.Context) map[roster.StoreID]peer.Hello {
				done += ", tell"
				return nil
			},
		}}
		if err := d.ConfirmRetention(); (err == nil) != (tt.err == nil) || done != tt.want {
			t.Errorf("ConfirmRetention = %v after %q, want %v after %q", err, done, tt.err, tt.want)
		}
	}
}
