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
	for _, erased := range r.Erased {
		state := "being erased"
		if erased.At > 0 {
			state = "erased since " + time.Unix(erased.At, 0).UTC().Format("2006-01-02 15:04Z")
		}
		notes = append(notes, fmt.Sprintf("hours %d to %d are %s", erased.From, erased.To-1, state))
	}
	for _, note := range notes {
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

// named returns an hour with the time at which it begins.
func named(h flow.Hour) string {
	return fmt.Sprintf("%d (%s)", h, time.Unix(int64(h)*3600, 0).UTC().Format("2006-01-02 15:04Z"))
}

func period(seconds int64) string { return (time.Duration(seconds) * time.Second).String() }
