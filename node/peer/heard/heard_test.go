package heard

import (
	"testing"
	"time"

	"flowring/internal/racetest"
)

// One failed call is no proof. Later ones do not restart the silence.
func TestPeerIsGoneWhenItHasBeenSilentForAWhile(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var b Book
		for _, step := range []struct {
			heard bool
			want  bool
		}{{false, false}, {false, false}, {false, true}, {true, false}, {false, false}} {
			b.SetHeard("n2:1", step.heard)
			if got := b.Gone("n2:1"); got != step.want {
				t.Errorf("Gone() = %t after a call that was heard: %t, want %t", got, step.heard, step.want)
			}
			time.Sleep(goneAfter / 2)
		}
		if b.Gone("n3:1") {
			t.Error("a peer that was never called is gone")
		}
	})
}
