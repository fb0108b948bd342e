package admission

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"flowring/internal/racetest"
)

var (
	alice = netip.MustParseAddr("192.0.2.1")
	bob   = netip.MustParseAddr("192.0.2.2")
)

func newController(posts, active int, bytes int64) *Controller {
	return New(Config{MaxPosts: posts, MaxActive: active, MaxBytes: bytes, MaxWait: time.Second})
}

// flood sends POSTs on connections of one client until ctx ends. Each connection has one POST at a time, which is
// active for a millisecond. It returns the number of POSTs granted to each connection.
func flood(ctx context.Context, c *Controller, addr netip.Addr, connections int, done *sync.WaitGroup) []int {
	served := make([]int, connections)
	for i := range served {
		done.Go(func() {
			for ctx.Err() == nil {
				ticket, err := c.Enter(addr, -1)
				if err != nil {
					time.Sleep(time.Millisecond) // sooner than Retry-After asks
					continue
				}
				if ticket.Wait(ctx) == nil {
					time.Sleep(time.Millisecond)
					served[i]++
				}
				ticket.Close()
			}
		})
	}
	return served
}

// One connection competes with 200 others of one client that keep the controller full. A connection of another
// client gets a third of the grants, because it waits for two turns of the others each time. A connection of the
// same client gets as many grants as each of them.
func TestClientsTakeTurnsAndSoDoConnectionsOfOneClient(t *testing.T) {
	for _, tt := range []struct {
		name        string
		one         netip.Addr
		least, most int // grants of the one connection, of 4000
	}{{"another client", bob, 1300, 1400}, {"the same client", alice, 10, 30}} {
		racetest.Bubble(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			c := newController(1000, 1, 1<<30)
			var done sync.WaitGroup
			many := flood(ctx, c, alice, 200, &done)
			one := flood(ctx, c, tt.one, 1, &done)
			done.Wait()
			if one[0] < tt.least || one[0] > tt.most {
				t.Errorf("%s: one connection beside 200 has %d grants, want %d to %d", tt.name, one[0], tt.least, tt.most)
			}
			total := one[0]
			for i, n := range many {
				total += n
				if n < tt.least/200 || n == 0 {
					t.Errorf("%s: connection %d of 200 has %d grants", tt.name, i, n)
				}
			}
			if total < 3900 {
				t.Errorf("%s: %d grants in 4 s, want one for each millisecond", tt.name, total)
			}
			if c.Stats() != (Stats{}) || c.active != 0 || len(c.clients) != 0 || c.turns.Len() != 0 {
				t.Errorf("%s: the controller has %+v in the end, want nothing", tt.name, c.Stats())
			}
		})
	}
}

func TestOneClientLeavesRoomForOthers(t *testing.T) {
	c := newController(10, 100, 100*MinCharge)
	take := func(addr netip.Addr, bytes int64) (n int) {
		for ; ; n++ {
			ticket, err := c.Enter(addr, -1)
			if err == nil {
				err = ticket.Reserve(bytes)
			}
			if err != nil {
				return n
			}
		}
	}
	if first, second := take(alice, 0), take(bob, 0); first != 8 || second != 2 {
		t.Errorf("of 10 posts one client has %d and the next one %d, want 8 and 2", first, second)
	}
	c = newController(1000, 100, 100*MinCharge)
	if first, second := take(alice, MinCharge), take(bob, MinCharge); first != 80 || second < 10 {
		t.Errorf("of 100 bodies one client has %d and the next one %d, want 80 and 10 at least", first, second)
	}
}

func TestAPostThatWaitsTooLongIsRefused(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := newController(10, 1, 1<<30)
		active, _ := c.Enter(alice, -1)
		active.Wait(t.Context())
		waiting, _ := c.Enter(alice, -1)
		begun := time.Now()
		var refused *OverloadError
		err := waiting.Wait(t.Context())
		if took := time.Since(begun); !errors.As(err, &refused) || refused.Limit != LimitWait || took != time.Second {
			t.Errorf("Wait = %v after %v, want a refusal after a second", err, took)
		}
		active.Close()
		if err := waiting.Wait(t.Context()); err != nil {
			t.Errorf("Wait once no POST is active = %v, want nil", err)
		}
	})
}

func TestClientAddr(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:99": "192.0.2.1", "[::ffff:192.0.2.1]:99": "192.0.2.1", "[2001:db8::1:2:3:4]:99": "2001:db8::",
		"[fe80::1%eth0]:99": "fe80::", "pipe": "invalid IP",
	} {
		if got := ClientAddr(remote).String(); got != want {
			t.Errorf("ClientAddr(%s) = %s, want %s", remote, got, want)
		}
	}
}
