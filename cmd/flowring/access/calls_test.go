package access

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"flowring/router"
	"flowring/router/client"
)

// The error of a drain says how the drain ended.
func TestDrainErrors(t *testing.T) {
	const rejoins = ": the drain is given up, and the node joins again with all its data"
	call := fmt.Errorf("drain: http://n5:8080: %w", errors.New("refused"))
	signal := errors.New("interrupt signal received")
	refusal := &client.Problem{Problem: router.Problem{Status: 409, Title: "The call could lose data", Detail: "too few stores"}}
	for _, tt := range []struct {
		name        string
		cause, call error
		want        string
		unavailable bool
	}{
		{"the timeout ends", context.DeadlineExceeded, call, "not drained within the --timeout of 3s" + rejoins, true},
		{"a signal ends the command", signal, call, "interrupt signal received" + rejoins, false},
		{"no node can be reached", nil, call, "drain: http://n5:8080: refused", false},
		{"the node refuses", nil, fmt.Errorf("drain: http://n5:8080: %w", refusal), "too few stores", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, end := context.WithCancelCause(t.Context())
			defer end(nil)
			if tt.cause != nil {
				end(tt.cause)
			}
			err := (&Access{Timeout: 3 * time.Second}).DrainError(ctx, tt.call)
			if err.Error() != tt.want || Unavailable(err) != tt.unavailable {
				t.Errorf("DrainError = %v, unavailable %t, want %s, %t", err, Unavailable(err), tt.want, tt.unavailable)
			}
			if tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("DrainError = %v, want the cause %v in it", err, tt.cause)
			}
		})
	}
}
