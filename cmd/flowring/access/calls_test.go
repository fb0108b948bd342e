package access

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"flowring/node/peer"
)

// The error of a drain says how the drain ended, and shows no URL of the peer port.
func TestDrainErrors(t *testing.T) {
	const rejoins = ": the drain is given up, and the node joins again with all its data"
	call := fmt.Errorf("drain at n5:8081: %w", &url.Error{Op: "Post", URL: "http://n5:8081/x", Err: errors.New("refused")})
	signal := errors.New("interrupt signal received")
	for _, tt := range []struct {
		name        string
		cause, call error
		want        string
		unavailable bool
	}{
		{"the timeout ends", context.DeadlineExceeded, call, "not drained within the --timeout of 3s" + rejoins, true},
		{"a signal ends the command", signal, call, "interrupt signal received" + rejoins, false},
		{"the peer port cannot be reached", nil, call, "peer port n5:8081: refused", false},
		{"the node refuses", nil, fmt.Errorf("drain at n5:8081: %w", &peer.Error{Detail: "too few stores"}), "too few stores", false},
		{"another failure", nil, signal, "interrupt signal received", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, end := context.WithCancelCause(t.Context())
			defer end(nil)
			if tt.cause != nil {
				end(tt.cause)
			}
			err := (&Access{Timeout: 3 * time.Second}).DrainError(ctx, "n5:8081", tt.call)
			if err.Error() != tt.want || Unavailable(err) != tt.unavailable {
				t.Errorf("DrainError = %v, unavailable %t, want %s, %t", err, Unavailable(err), tt.want, tt.unavailable)
			}
			if tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("DrainError = %v, want the cause %v in it", err, tt.cause)
			}
		})
	}
}
