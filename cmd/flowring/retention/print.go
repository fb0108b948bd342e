package retention

import (
	"fmt"
	"io"
	"time"

	"flowring/cmd/flowring/output"
	"flowring/flow"
	"flowring/internal/contract"
)

// Print prints the floors, the next raises, the erased hours and the proposals of the stores.
func Print(w io.Writer, r contract.Retention) error {
	notes := Notes(r)
	if len(notes) == 0 {
		notes = []string{"no node has a retention: all other hours are kept"}
		if len(r.Erased) == 0 {
			notes[0] = "no node has a retention: all hours are kept"
		}
	}
	for _, note := range append(notes, ErasedNotes(r.Erased)...) {
		fmt.Fprintln(w, note)
	}
	if len(r.Proposals) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := output.Table{Right: []bool{false, false, true}}
	t.Add("NAME", "WOULD CLOSE", "UP")
	for _, p := range r.Proposals {
		below := "nothing"
		if p.Below > 0 {
			below = "hours below " + named(p.Below)
		}
		t.Add(p.Name, below, period(p.Uptime))
	}
	return t.Write(w)
}

// Notes describes the floors and the next raises, each in a line; none without a retention.
func Notes(r contract.Retention) (notes []string) {
	add := func(h flow.Hour, format string, args ...any) {
		if h > 0 {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	if r.Closed == 0 && len(r.Proposals) > 0 {
		notes = append(notes, "no hour is closed yet")
	}
	add(r.Expired, "hours below %s are deleted", named(r.Expired))
	add(r.Closed, "hours below %s take no new records", named(r.Closed))
	add(r.Removal.Hour, "next removal: hours below %s, in %s at the earliest", named(r.Removal.Hour), period(r.Removal.In))
	add(r.Next.Hour, "next closed: hours below %s, in %s at the earliest", named(r.Next.Hour), period(r.Next.In))
	return notes
}

// ErasedNotes describes erased ranges of hours, each in a line.
func ErasedNotes(ranges []contract.ErasedRange) (notes []string) {
	for _, r := range ranges {
		hours := fmt.Sprintf("hours %s to %s are", named(r.From), named(r.To-1))
		if r.To == r.From+1 {
			hours = fmt.Sprintf("hour %s is", named(r.From))
		}
		state := "being erased"
		if r.At > 0 {
			state = "erased since " + time.Unix(r.At, 0).UTC().Format(timeFormat)
		}
		notes = append(notes, hours+" "+state)
	}
	return notes
}

const timeFormat = "2006-01-02 15:04Z"

// named returns an hour with the time at which it begins.
func named(h flow.Hour) string {
	return fmt.Sprintf("%d (%s)", h, time.Unix(int64(h)*3600, 0).UTC().Format(timeFormat))
}

func period(seconds int64) string { return (time.Duration(seconds) * time.Second).String() }
