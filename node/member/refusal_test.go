package member

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
)

// A refusal stands until the node there is joined or gone, or is not met for some time. Its repetition is not logged.
func TestARefusalEnds(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		m := New(Config{}, Deps{Log: slog.New(slog.NewTextHandler(&log, nil))})
		why, other := errors.New("other parameters"), errors.New("another key")
		for range 3 {
			m.addRefusal("10.0.0.2:7946", why)
			m.addRefusal("10.0.0.3:7946", other)
			if got := m.Refusal(); got != why {
				t.Errorf("Refusal() = %v, want %v", got, why)
			}
			begun := time.Now()
			time.Sleep(time.Second)
			m.clearRefusal("10.0.0.2:7946", begun)
			if got := m.Refusal(); got != why {
				t.Errorf("Refusal() after a join that began before it = %v, want %v", got, why)
			}
			m.clearRefusal("10.0.0.2:7946", time.Now())
			if got := m.Refusal(); got != other {
				t.Errorf("Refusal() once the node is joined = %v, want that of the other address", got)
			}
			time.Sleep(refusalTTL)
			if got := m.Refusal(); got != nil {
				t.Errorf("Refusal() %v later = %v, want nil", refusalTTL, got)
			}
		}
		if got := strings.Count(log.String(), "node refused"); got != 2 {
			t.Errorf("the log has %d refusals, want one for each address:\n%s", got, &log)
		}
	})
}
