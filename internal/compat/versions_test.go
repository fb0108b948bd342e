package compat

import (
	"strings"
	"testing"
)

func TestRangesSayWhatTheyInclude(t *testing.T) {
	for _, tt := range []struct {
		speaks Range
		v      Version
		want   string // "": the range includes it
	}{
		{Range{}, 0, ""},
		{Range{}, 1, ""},
		{Range{}, 2, "version 2, this program reads version 1"},
		{Range{1, 2}, 2, ""},
		{Range{1, 2}, 3, "version 3, this program reads versions 1 to 2"},
		{Range{2, 3}, 0, "version 1, this program reads versions 2 to 3"},
	} {
		got := ""
		if err := tt.speaks.Check(tt.v); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%v.Check(%d) = %q, want %q", tt.speaks, tt.v, got, tt.want)
		}
	}
}

func TestThisProgramSpeaksARange(t *testing.T) {
	if Oldest < 1 || Newest < Oldest || !Spoken().Includes(Newest) {
		t.Errorf("this program speaks %v", Spoken())
	}
}

func TestFeaturesAreOnFromTheirVersionOn(t *testing.T) {
	f := Feature(2)
	if f.On(0) || f.On(1) || !f.On(2) || !f.On(3) {
		t.Errorf("a feature of version 2 is on in 0: %t, 1: %t, 2: %t, 3: %t", f.On(0), f.On(1), f.On(2), f.On(3))
	}
}

// Both nodes refuse each other in the same cases, so that neither keeps the other in its view.
func TestOffersThatDoNotFitAreRefusedByBothNodes(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b Offer
		want string // the refusal at a; "": none
		back string // the refusal at b
	}{
		{"nodes that say no version", Offer{}, Offer{}, "", ""},
		{"an old node and a new one, the old version on", Offer{}, Offer{1, Range{1, 2}}, "", ""},
		{
			"an old node and a new one, the new version on", Offer{}, Offer{2, Range{1, 2}},
			"version 2 is on there, and this node speaks version 1", "version 2 is on here, and the other node speaks version 1",
		},
		{
			"a node that has dropped the old version", Offer{1, Range{1, 2}}, Offer{3, Range{2, 3}},
			"version 3 is on there, and this node speaks versions 1 to 2",
			"version 3 is on here, and the other node speaks versions 1 to 2",
		},
		{
			"a node of no cluster that has dropped the old version, the old version on", Offer{1, Range{2, 3}}, Offer{1, Range{1, 2}},
			"version 1 is on there, and this node speaks versions 2 to 3",
			"version 1 is on here, and the other node speaks versions 2 to 3",
		},
		{"a node of no cluster that has dropped the old version, the new version on", Offer{1, Range{2, 3}}, Offer{2, Range{1, 2}}, "", ""},
		{"a node that has not heard of the new version", Offer{1, Range{1, 2}}, Offer{2, Range{1, 2}}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := text(tt.a.Check(tt.b)); got != tt.want {
				t.Errorf("Check = %q, want %q", got, tt.want)
			}
			if got := text(tt.b.Check(tt.a)); got != tt.back {
				t.Errorf("Check at the other node = %q, want %q", got, tt.back)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParseOfferRefuses(t *testing.T) {
	for _, s := range []string{"1", "1/1", "1/2-1", "0/1-2", "1/0-1", "-1/1-2", "1/1-99999999999", "a/b-c", "1/1-2/3"} {
		if o, err := ParseOffer(s); err == nil {
			t.Errorf("ParseOffer(%q) = %v, want an error", s, o)
		}
	}
}

func FuzzParseOffer(f *testing.F) {
	for _, s := range []string{"", "1/1-2", "2/1-2", "3/2-7 later=fact", strings.Repeat("9", 30)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseOffer(s)
		if err != nil {
			return
		}
		again, err := ParseOffer(o.String())
		if err != nil || again.String() != o.String() || (again.Check(o) == nil) != (o.Check(again) == nil) {
			t.Errorf("ParseOffer(%q) = %v, %v, want %v", o, again, err, o)
		}
	})
}
