package node

import (
	"testing"

	"flowring/internal/safeguard"
	"flowring/node/peer"
	"flowring/ring/roster"
)

// A store may count (P4) if W established stores know it, or if all stores answer and an established one is among them.
func TestConfirmationsThatEstablishAStore(t *testing.T) {
	for _, tt := range []struct {
		name      string
		n, quorum int
		spoil     func(t *testing.T, p *town) // a joins the established stores b, c, ...
		disabled  safeguard.Set
		want      bool
	}{
		{name: "W of many know it", n: 5, quorum: 2, spoil: silent("b", "c"), want: true},
		{name: "fewer than W do", n: 5, quorum: 2, spoil: silent("b", "c", "d"), want: false},
		{name: "fewer than W are there, and all know it", n: 2, quorum: 3, spoil: silent(), want: true},
		{name: "nobody else is there", n: 1, quorum: 2, spoil: silent(), want: false},
		{name: "W answer, of whom one does not know it", n: 4, quorum: 2, spoil: func(_ *testing.T, p *town) {
			p.silence("d")
			p.heard[p.stores["b"].ID] = peer.Hello{Store: p.stores["b"]}
		}, want: false},
		{name: "W know it, of whom one is not established", n: 4, quorum: 2, spoil: func(_ *testing.T, p *town) {
			p.silence("d")
			hello := p.heard[p.stores["b"].ID]
			hello.Store.Established = false
			p.heard[hello.Store.ID] = hello
		}, want: false},
		{name: "W know it, of whom one is leaving", n: 4, quorum: 2, spoil: func(t *testing.T, p *town) {
			p.silence("d")
			p.say(t, "b", func(s *roster.Store) { s.Leaving = true })
		}, want: false},
		{
			name: "negative control: any confirmation would do", n: 5, quorum: 2, spoil: silent("b", "c", "d"),
			disabled: safeguard.Confirmation, want: true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTown(t, tt.n, tt.quorum, tt.disabled)
			tt.spoil(t, p)
			if got := p.mayEstablish(p.heard); got != tt.want {
				t.Errorf("mayEstablish = %t, want %t", got, tt.want)
			}
		})
	}
}
