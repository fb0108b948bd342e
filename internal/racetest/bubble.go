package racetest

import (
	"testing"
	"testing/synctest"
)

// Bubble runs a test in a synctest bubble of its own, in virtual time, or skips it under the race detector.
func Bubble(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	if Enabled {
		t.Skip("synctest bubbles crash under -race")
	}
	synctest.Test(t, fn)
}
