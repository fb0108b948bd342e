package peer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/contract"
)

var (
	oldNode   = compat.Offer{On: 1, Speaks: compat.Range{Oldest: 1, Newest: 1}}
	mixedNode = compat.Offer{On: 1, Speaks: compat.Range{Oldest: 1, Newest: 2}}
	newNode   = compat.Offer{On: 2, Speaks: compat.Range{Oldest: 1, Newest: 2}}
)

// Both kinds of calls carry the versions of the caller. The peer does nothing for a caller that it refuses.
func TestCallsOfANodeOfOtherVersionsAreRefused(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *Client, addr string, batch []byte) error{
		"by stream": func(ctx context.Context, c *Client, addr string, batch []byte) error {
			_, err := c.Apply(ctx, addr, batch)
			return err
		},
		"by HTTP": func(ctx context.Context, c *Client, addr string, _ []byte) error {
			_, err := c.Digest(ctx, addr, flow.Slice{Hour: 1}, "")
			return err
		},
		"a heartbeat": func(ctx context.Context, c *Client, addr string, _ []byte) error {
			_, err := c.Hello(ctx, addr, Hello{})
			return err
		},
	} {
		for _, tt := range []struct {
			name           string
			caller, callee compat.Offer
			refused        bool
		}{
			{"an old caller at a new node", oldNode, newNode, true},
			{"a new caller at an old node", newNode, oldNode, true},
			{"nodes that can be mixed", mixedNode, oldNode, false},
			{"a caller that has not heard of the version", mixedNode, newNode, false},
		} {
			t.Run(name+" "+tt.name, func(t *testing.T) {
				d := newDouble()
				d.offer = tt.callee
				c, mine := newTestClient(t)
				mine.offer = tt.caller
				err := call(t.Context(), c, d.serve(t, ServerConfig{}), newBatch(t).Encode())
				if !tt.refused {
					if err != nil {
						t.Errorf("the call = %v, want no error", err)
					}
					return
				}
				var refusal *Error
				if !errors.As(err, &refusal) || refusal.Kind() != contract.Stranger || !NotSent(err) || d.count() != 0 || mine.merges > 0 {
					t.Errorf("the call = %v, applied %d times, %d rosters merged, want refused, and nothing done", err, d.count(), mine.merges)
				}
				if text := fmt.Sprint(err); !strings.Contains(text, "version 2 is on ") || !strings.Contains(text, "node speaks version 1") {
					t.Errorf("the call = %v, want both versions", err)
				}
			})
		}
	}
}

// An operator calls the peer port with curl, which says no version. A node from before versions says none either, and is
// refused.
func TestCallsOfNoNodeNeedNoVersion(t *testing.T) {
	d := newDouble()
	d.offer = newNode
	addr := d.serve(t, ServerConfig{})
	for _, tt := range []struct {
		name, roster string
		want         int
	}{{"curl", "", http.StatusOK}, {"a node from before versions", "0123", http.StatusMisdirectedRequest}} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+prefix+"summary", nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.roster != "" {
			req.Header.Set(headerRoster, tt.roster)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tt.want {
			t.Errorf("a call of %s = %d, want %d", tt.name, res.StatusCode, tt.want)
		}
	}
}

// A stream that began under one version does not carry calls of the next one, because the peer may not speak it.
func TestANewVersionHasStreamsOfItsOwn(t *testing.T) {
	d := newDouble()
	c, mine := newTestClient(t)
	mine.offer = mixedNode
	addr := d.serve(t, ServerConfig{})
	if _, err := c.Apply(t.Context(), addr, newBatch(t).Encode()); err != nil {
		t.Fatal(err)
	}
	mine.offer, mine.roster = newNode, mine.roster.WithVersion(2)
	if _, err := c.Apply(t.Context(), addr, newBatch(t).Encode()); err == nil || d.count() != 1 {
		t.Errorf("a call of version 2 to a node of version 1 = %v, applied %d times, want a refusal and once", err, d.count())
	}
}

// An answer carries the versions too: a peer from before versions does not refuse a caller of a new version.
func TestAnswersOfANodeOfOtherVersionsAreRefused(t *testing.T) {
	c, mine := newTestClient(t)
	mine.offer = newNode
	addr := serveHandler(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(headerStore, strings.Repeat("0", 32)+" b true")
	}))
	_, err := c.Digest(t.Context(), addr, flow.Slice{Hour: 1}, "")
	if want := "version 2 is on here, and the other node speaks version 1"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Digest = %v, want %q", err, want)
	}
}
