package node_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"flowring/internal/apicheck"
	"flowring/internal/racetest"
	"flowring/internal/transcript"
	"flowring/router/openapi"
)

// Every node of a cluster answers as in the transcripts of the public contract, whether it owns the hour or not. Each
// run of a transcript draws its own hours. The hours held afterwards show that both cases occurred. The OpenAPI document
// describes each answer.
func TestEveryNodeKeepsTheContract(t *testing.T) {
	files, err := filepath.Glob("../router/testdata/contract/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	document, err := apicheck.New([]byte(openapi.Document()))
	if err != nil {
		t.Fatal(err)
	}
	check := func(r *http.Request, status int, h http.Header, body []byte) error {
		return document.Check(r, apicheck.Answer{Status: status, Header: h, Body: body})
	}
	for _, tt := range []struct{ copies, quorum int }{{1, 1}, {3, 2}} {
		t.Run(fmt.Sprintf("%d copies", tt.copies), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3, copies(tt.copies, tt.quorum))
			c.formed("a", "b", "c")
			c.answersQueries()
			for _, name := range c.names() {
				before := c.hours()
				for _, file := range files {
					base := strings.TrimSuffix(filepath.Base(file), ".txt")
					if base == "limits" && (name != "a" || racetest.Enabled) { // 32 MiB bodies, a matter of the router alone
						continue
					}
					t.Run(base+" at "+name, func(t *testing.T) { transcript.Run(t, c.url(name), file, check) })
				}
				for again := 0; !c.allGrew(before); again++ { // chance gave one node no hour
					if again == 50 {
						t.Fatalf("transcripts at %s wrote to not all of the nodes: %v before, %v now", name, before, c.hours())
					}
					transcript.Run(t, c.url(name), "../router/testdata/contract/store-and-read.txt")
				}
			}
		})
	}
}

// allGrew reports whether every node holds more hours than before.
func (c *cluster) allGrew(before map[string]int) bool {
	for name, held := range c.hours() {
		if held <= before[name] {
			return false
		}
	}
	return true
}

// These runs choose their hours: for each node, one hour of its own and one of each other node.
func TestOwnersAndOthersAnswerAlike(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, copies(1, 1))
	c.formed("a", "b", "c")
	for _, owner := range c.names() {
		hour := hourOf(t, owner, c.names())
		want := fmt.Sprintf(`[{"src_app":"app","dest_app":"sink","vpc_id":"vpc-0","bytes_tx":6,"bytes_rx":12,"hour":%d}]`+"\n", hour)
		for _, name := range c.names() {
			c.mustPost(name, "key-of-"+owner, of(hour, "app", 6)) // one key: all but the first are replays
		}
		if held := c.member(owner); held.Name != owner {
			t.Fatalf("member(%s) = %+v", owner, held)
		}
		for _, name := range c.names() {
			r, err := c.complete(name, hour)
			if err != nil || r.text != want {
				t.Errorf("%s says of hour %d, which %s owns: %s, %v, want %s", name, hour, owner, r.text, err, want)
			}
			if status, err := c.answer(name, "key-of-"+owner, of(hour, "app", 7)); status != 422 {
				t.Errorf("a key reused at %s for an hour that %s owns = %d, %v, want 422", name, owner, status, err)
			}
		}
	}
}
