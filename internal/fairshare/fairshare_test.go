package fairshare

import (
	"net/netip"
	"testing"
)

// One address takes most of the places and never the last ones; another address still gets one.
func TestNoAddressTakesAllPlaces(t *testing.T) {
	c := Counter{Max: 100}
	greedy, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	taken := 0
	for c.Enter(greedy) {
		taken++
	}
	if taken != 80 || !c.Enter(other) {
		t.Errorf("one address takes %d of 100 places, and another one gets a place: want 80, and a place", taken)
	}
	for c.Enter(other) {
	}
	if now, refused := c.Stats(); now > 100 || refused != 2 {
		t.Errorf("Stats() = %d, %d, want at most 100, and 2 refusals", now, refused)
	}
	for range taken {
		c.Leave(greedy)
	}
	if len(c.by) != 1 {
		t.Errorf("%d addresses are kept, want the one with places", len(c.by))
	}
	if !c.Enter(greedy) || len(c.by) != 2 {
		t.Errorf("after it has left an address gets no place, or %d addresses are kept", len(c.by))
	}
}

func TestTheFirstOfAFullCounterIsRefused(t *testing.T) {
	c := Counter{Max: 1}
	if a := netip.MustParseAddr("192.0.2.1"); !c.Enter(a) || c.Enter(a) || c.Enter(netip.MustParseAddr("192.0.2.2")) {
		t.Error("of three things at a limit of 1 the first alone is allowed, want that")
	}
}
