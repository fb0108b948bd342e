package answer

import (
	"errors"
	"fmt"
	"testing"

	"flowring/internal/contract"
	"flowring/node/peer"
)

// If a part may be stored, the outcome of the answer is unknown, even if the cause is a refusal (P3).
func TestPublicErrors(t *testing.T) {
	few := &contract.UnavailableError{Reason: "few", Stores: []string{"b"}}
	maybe := &contract.UnavailableError{Reason: "maybe", Err: contract.KeyReused}
	for _, tt := range []struct {
		name string
		err  error
		want string // text of the result; "": nil
		is   error  // the result itself; nil: an *UnavailableError
	}{
		{"a key reused", fmt.Errorf("post: %w", contract.KeyReused), contract.KeyReused.Error(), contract.KeyReused},
		{"a key reused, by a peer", &peer.Error{Code: contract.KeyReused.Code()}, contract.KeyReused.Error(), contract.KeyReused},
		{"an overflow, by a peer", &peer.Error{Code: contract.Overflow.Code()}, contract.Overflow.Error(), contract.Overflow},
		{"too few stores", fmt.Errorf("x: %w", few), "few (no answer from b)", nil},
		{"a refusal after what may have had an effect", maybe, "maybe", nil},
		{"a peer that is busy", &peer.Error{Code: contract.Busy.Code(), Detail: "busy"}, "busy", nil},
		{
			"a peer that could not reach others", &peer.Error{Code: contract.Unavailable.Code(), Detail: "few", Stores: []string{"c"}},
			"few (no answer from c)", nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := PublicError(tt.err)
			var unavailable *contract.UnavailableError
			switch {
			case got == nil || got.Error() != tt.want:
				t.Errorf("PublicError(%v) = %v, want %s", tt.err, got, tt.want)
			case tt.is != nil && got != tt.is:
				t.Errorf("PublicError(%v) is not %v itself", tt.err, tt.is)
			case tt.is == nil && !errors.As(got, &unavailable):
				t.Errorf("PublicError(%v) = %T, want unavailable", tt.err, got)
			}
		})
	}
	if err := PublicError(nil); err != nil {
		t.Errorf("PublicError(nil) = %v", err)
	}
}
