package peer

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"flowring/node/peer/wire"
	"flowring/ring/roster"
)

// A heartbeat of a later version has fields that this program does not know, also on the roster. Those of the roster
// survive; the others are facts about the sender alone.
func FuzzHello(f *testing.F) {
	s := roster.Store{ID: roster.NewStoreID(), Name: "a", Established: true}
	h := Hello{Store: s, Start: "00f1", Roster: roster.Roster{}.With(s), Status: Status{Hours: 3, Drain: &Drain{Slices: 2}}, Clock: 1e12}
	hello, err := json.Marshal(h)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hello)
	f.Add([]byte(strings.TrimSuffix(string(hello), "}") + `,"rack":{"a":[1.50,null]}}`))
	f.Add([]byte(strings.Replace(string(hello), `"version":1`, `"version":9,"later":{"b":[1e2],"a":"x"}`, 1)))
	f.Add([]byte(`{"clock":-9223372036854775808,"sees":null,"roster":{"version":1,"stores":[]}}`))
	f.Add([]byte(`{"roster":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got Hello
		if json.Unmarshal(data, &got) != nil {
			return
		}
		written, err := json.Marshal(got)
		if err != nil {
			t.Fatalf("a heartbeat of %q cannot be written: %v", data, err)
		}
		var again Hello
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("a heartbeat of %q, written as %q: %v", data, written, err)
		}
		if !again.Roster.Equal(got.Roster) || again.Roster.Hash() != got.Roster.Hash() || again.Clock != got.Clock || again.Store != got.Store {
			t.Fatalf("a heartbeat of %q, written as %q, is %+v, want %+v", data, written, again, got)
		}
	})
}

// A reply names its store, and its roster is merged. A reply of a later version has other refusals.
func FuzzDecodeReply(f *testing.F) {
	s := roster.Store{ID: roster.NewStoreID(), Name: "b", Established: true}
	list, err := roster.Roster{}.With(s).MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	newer := strings.Replace(string(list), `"version":1`, `"version":9,"later":1`, 1)
	for _, r := range []wire.Reply{
		{Store: []byte(wire.FormatStore(s))},
		{Outcome: wire.Replayed, Store: []byte(wire.FormatStore(s)), Roster: list},
		{Store: []byte(wire.FormatStore(s) + " later"), Roster: []byte(newer)},
		{Outcome: wire.Refused, Refusal: []byte(`{"code":"later","detail":"d","rack":7}`)},
	} {
		f.Add(r.Append(nil))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, rosters := newTestClient(t)
		before := rosters.Roster()
		_, from, err := c.decodeReply("b:1", body, identity{})
		if err == nil && from.Valid() != nil {
			t.Errorf("a reply of %x is of store %+v", body, from)
		}
		if merged, err := rosters.Roster().Merge(before); err != nil || !merged.Equal(rosters.Roster()) {
			t.Errorf("a reply of %x has cost a part of the roster: %v instead of %v", body, rosters.Roster(), before)
		}
	})
}
