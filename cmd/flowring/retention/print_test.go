package retention

import (
	"strings"
	"testing"

	"flowring/flow"
	"flowring/internal/contract"
)

func TestTheHoursThatAreKeptArePrinted(t *testing.T) {
	for _, tt := range []struct {
		name string
		view contract.Retention
		want string
	}{
		{"no retention", contract.Retention{}, "no node has a retention: all hours are kept\n"},
		{
			"a new cluster", contract.Retention{Keep: 172800, Proposals: []contract.Proposed{{Name: "n1", Below: 490_000, Uptime: 90}}},
			"no hour is closed yet\n\nNAME  WOULD CLOSE                                UP\nn1    hours below 490000 (2025-11-24 16:00Z)  1m30s\n",
		},
		{
			"a cluster that deletes", contract.Retention{
				Keep: 172800, Closed: 490_024, Expired: 490_000, Next: contract.Raise{Hour: 490_025, In: 3600},
				Removal: contract.Raise{Hour: 490_001, In: 60}, Proposals: []contract.Proposed{{Name: "n1", Uptime: 7200}},
			},
			"hours below 490000 (2025-11-24 16:00Z) are deleted\n" +
				"hours below 490024 (2025-11-25 16:00Z) take no new records\n" +
				"next removal: hours below 490001 (2025-11-24 17:00Z), in 1m0s at the earliest\n" +
				"next closed: hours below 490025 (2025-11-25 17:00Z), in 1h0m0s at the earliest\n" +
				"\nNAME  WOULD CLOSE      UP\nn1    nothing      2h0m0s\n",
		},
		{
			"erased hours without a retention", contract.Retention{Erased: []contract.ErasedRange{{From: 490_000, To: 490_024, At: 1_000_000_000}, {From: 490_030, To: 490_031}}},
			"no node has a retention: all other hours are kept\nhours 490000 (2025-11-24 16:00Z) to 490023 (2025-11-25 15:00Z) are erased since 2001-09-09 01:46Z\n" +
				"hour 490030 (2025-11-25 22:00Z) is being erased\n",
		},
	} {
		var got strings.Builder
		if err := Print(&got, tt.view); err != nil || got.String() != tt.want {
			t.Errorf("%s: Print = %v\n%s\nwant\n%s", tt.name, err, got.String(), tt.want)
		}
	}
}

// The notes beside an answer name the newest erased ranges, and count the others.
func TestNotesNameTheNewestErasedRanges(t *testing.T) {
	var ranges []contract.ErasedRange
	for h := flow.Hour(490_000); h < 490_070; h += 10 {
		ranges = append(ranges, contract.ErasedRange{From: h, To: h + 2, At: 1_000_000_000})
	}
	if got := shownErased(ranges[:mostErased]); len(got) != mostErased || !strings.HasPrefix(got[0], "hours 490000 (") {
		t.Errorf("the notes of %d ranges are %q", mostErased, got)
	}
	got := shownErased(ranges)
	if len(got) != mostErased+1 || !strings.HasPrefix(got[0], "hours 490020 (") || !strings.HasPrefix(got[mostErased], "2 earlier ranges of hours erased") {
		t.Errorf("the notes of %d ranges are %q", len(ranges), got)
	}
}
