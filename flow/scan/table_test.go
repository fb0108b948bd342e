package scan

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSymbolsCountNamesInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var table nameTable
		table.reset(rapid.SampledFrom([]int{2, 64}).Draw(rt, "slots"))
		want := map[string]uint32{}
		var order []string
		piece := rapid.SampledFrom([]string{"a", "b", "\x00", "12345678", "1234567890123456", strings.Repeat("z", 24)})
		for _, name := range rapid.SliceOf(rapid.Map(rapid.SliceOfN(piece, 1, 4), func(all []string) string { return strings.Join(all, "") })).Draw(rt, "names") {
			got := table.Symbol([]byte(name))
			if _, is := want[name]; !is {
				want[name] = uint32(len(order))
				order = append(order, name)
			}
			if got != want[name] || string(table.Name(got)) != name {
				rt.Fatalf("Symbol(%q) = %d, %q, want %d", name, got, table.Name(got), want[name])
			}
		}
		if got := table.Names(); fmt.Sprint(got) != fmt.Sprint(order) {
			rt.Errorf("Names() = %q, want %q", got, order)
		}
	})
}

func TestSimilarNamesHaveDifferentSymbols(t *testing.T) {
	const n = 1000
	for _, format := range []string{"%04d", "service-%04d", "checkout-service-%04d", "%04d-checkout-service", "checkout-service-%04d-of-all-regions"} {
		var table Table
		table.Reset(0)
		for i := range uint32(2 * n) {
			if got, want := table.Symbol(fmt.Appendf(nil, format, i%n)), i%n; got != want {
				t.Fatalf("symbol of name %d of the form %s = %d", want, format, got)
			}
		}
	}
}

// A client cannot construct colliding names or flows, because every request has new hashes (P16).
func TestEveryRequestHasItsOwnHashes(t *testing.T) {
	hash := func() (name, flow uint64) {
		var table Table
		table.Reset(0)
		table.Symbol([]byte("name"))
		return table.names[0].hash, table.seeds.flow(20, Symbols{0, 1, 2})
	}
	name, flow := hash()
	again, other := hash()
	if name == again || flow == other {
		t.Errorf("two requests hash a name to %x and %x, a flow to %x and %x, want all different", name, again, flow, other)
	}
}

// Symbols, hours and names count up, names at any of their bytes. Hashes must spread them evenly, whatever the seeds.
func TestHashesSpread(t *testing.T) {
	const n = 1 << 12
	for range 20 {
		var table Table
		table.Reset(0)
		text := func(before, behind string) func(uint32) uint64 {
			return func(i uint32) uint64 {
				table.names = nil
				table.slots = clearedSlots(table.slots, 16)
				table.Symbol([]byte(fmt.Sprintf("%s%04d%s", before, i, behind)))
				return table.names[0].hash
			}
		}
		for name, hash := range map[string]func(i uint32) uint64{
			"sources":               func(i uint32) uint64 { return table.seeds.flow(20, Symbols{i, 1, 2}) },
			"targets":               func(i uint32) uint64 { return table.seeds.flow(20, Symbols{1, i, 2}) },
			"VPCs":                  func(i uint32) uint64 { return table.seeds.flow(20, Symbols{1, 2, i}) },
			"hours":                 func(i uint32) uint64 { return table.seeds.flow(int64(i), Symbols{1, 2, 3}) },
			"the begin of a name":   text("", "-service"),
			"a name of 8 bytes":     text("app-", ""),
			"the second word":       text("service-", ""),
			"its end":               text("service-app-", ""),
			"the middle of a name":  text("service-checkout-", "-"+strings.Repeat("x", 20)),
			"the end of a long one": text("service-checkout-"+strings.Repeat("x", 20), ""),
		} {
			used := map[uint64]bool{}
			for i := range uint32(n) {
				used[hash(i)%n] = true
			}
			if got := float64(len(used)) / n; got < 0.6 { // random hashes use 1-1/e
				t.Errorf("%s: %d hashes use %.2f of as many slots, want about 0.63", name, n, got)
			}
		}
	}
}
