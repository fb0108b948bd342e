package main

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"flowring/cmd/flowring/announce"
	"flowring/cmd/flowring/settings"
	"flowring/internal/racetest"
	"flowring/router"
)

func TestReachable(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "0.0.0.0:8080": "127.0.0.1:8080",
		"[::]:8080": "127.0.0.1:8080", "n1:8080": "n1:8080", "[fe80::1]:80": "[fe80::1]:80", "": "",
	} {
		if got := announce.Reachable(in); got != want {
			t.Errorf("Reachable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAnnounceIsTextOrOneRecord(t *testing.T) {
	at := router.Addresses{HTTP: "127.0.0.1:1", Peer: "127.0.0.1:2", Gossip: "127.0.0.1:3"}
	for format, want := range map[string]string{
		"text": `(?s)^flowring \S+: node n1 serves http 127.0.0.1:1, peer 127.0.0.1:2, gossip 127.0.0.1:3\n$`,
		"json": `^\{"time":"[^"]*","level":"INFO","msg":"serving","name":"n1","http":"127.0.0.1:1",.*,"gossip":"127.0.0.1:3"\}\n$`,
	} {
		s := settings.Default()
		s.Name, s.LogFormat = "n1", format
		var stderr strings.Builder
		announce.Addresses(&stderr, newLog(&stderr, s), s, at)
		if got := stderr.String(); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("Addresses() as %s = %q, want a match of %q", format, got, want)
		}
	}
}

// readyAfter is a node that becomes ready at a time.
type readyAfter struct{ at time.Time }

func (r readyAfter) Ready() error {
	if time.Now().Before(r.at) {
		return errors.New("joining")
	}
	return nil
}

// The suggestion is printed once the node is ready, and never if the node stops before.
func TestTheSuggestionWaitsForReadiness(t *testing.T) {
	for format, want := range map[string]string{
		"text": "Try: curl 'http://127.0.0.1:1/flows?hour=20'\n", "json": `"msg":"ready","try":"curl 'http://127.0.0.1:1/flows?hour=20'"`,
	} {
		racetest.Bubble(t, func(t *testing.T) {
			s := settings.Default()
			s.LogFormat = format
			var stderr strings.Builder
			said := func() { announce.Ready(&stderr, newLog(&stderr, s), s, router.Addresses{HTTP: "127.0.0.1:1"}) }
			begin := time.Now()
			announce.WhenReady(t.Context(), readyAfter{begin.Add(time.Minute)}, said)
			if took := time.Since(begin); took < time.Minute || !strings.Contains(stderr.String(), want) {
				t.Errorf("as %s after %v: %q, want %q after a minute", format, took, stderr.String(), want)
			}
			stderr.Reset()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if announce.WhenReady(ctx, readyAfter{begin.Add(time.Hour)}, said); stderr.Len() > 0 {
				t.Errorf("a node that was stopped before it was ready says %q", stderr.String())
			}
		})
	}
}
