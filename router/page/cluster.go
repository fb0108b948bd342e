package page

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router"
	"flowring/router/page/figure"
)

// clusterPage is the page of the cluster for the template.
type clusterPage struct {
	Name, Node, Ring string
	Copies           string // in words
	Partitions       int
	Notes            []clusterNote
	Members          []memberRow
	Retention        []string
	Arcs             []arc
}

// clusterNote says what a state of the cluster means for its users.
type clusterNote struct{ Class, Text string }

type memberRow struct {
	Name, Store, Share, HTTP, Class string
	Hours, Flows                    int
	States                          []string
}

// arc is the part of a member in the ring.
type arc struct{ Path, Class, Title string }

// cluster fills the page from the members.
func (h *Handler) cluster(_ context.Context, p *content) error {
	view := h.Cluster.Members()
	c := &clusterPage{
		Name: view.Cluster, Node: view.Node, Ring: view.Ring.Version, Copies: view.Ring.Copies(),
		Partitions: view.Ring.Partitions, Notes: notesOf(view),
		Retention: keptHours(view.Retention),
	}
	begin := 0.0
	for i, m := range view.Members {
		share := 0.0
		if view.Ring.Partitions > 0 {
			share = float64(m.Partitions) / float64(view.Ring.Partitions)
		}
		c.Members = append(c.Members, memberRow{
			Name: m.Name, Store: m.Store, Share: figure.Percent(share), HTTP: m.Addresses.HTTP, Class: figure.Colour(i),
			Hours: m.Hours, Flows: m.Flows, States: statesOf(m),
		})
		if share > 0 {
			c.Arcs = append(c.Arcs,
				arc{figure.ArcPath(begin, begin+share), figure.Colour(i), m.Name + ": " + figure.Percent(share)})
		}
		begin += share
	}
	p.Cluster = c
	return nil
}

// keptHours says which hours are deleted, closed and erased, and the next removal.
func keptHours(r contract.Retention) (lines []string) {
	add := func(h flow.Hour, format string, args ...any) {
		if h > 0 {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	add(r.Expired, "Hours below %s are deleted.", hourName(r.Expired))
	add(r.Closed, "Hours below %s take no new records.", hourName(r.Closed))
	add(r.Removal.Hour, "Next removal: hours below %s, in %s at the earliest.", hourName(r.Removal.Hour),
		figure.Many(r.Removal.In/60, "minute"))
	for _, erased := range r.Erased {
		state := "being erased"
		if erased.At > 0 {
			state = "erased since " + time.Unix(erased.At, 0).UTC().Format("2006-01-02 15:04") + " UTC"
		}
		hours := fmt.Sprintf("Hours %s to %s are", hourName(erased.From), hourName(erased.To-1))
		if erased.To == erased.From+1 {
			hours = fmt.Sprintf("Hour %s is", hourName(erased.From))
		}
		lines = append(lines, hours+" "+state+".")
	}
	return lines
}

// hourName returns the number of an hour, with its time if it has one.
func hourName(h flow.Hour) string {
	if moment := figure.MomentOf(h); moment.Machine != "" {
		return fmt.Sprintf("%d (%s UTC)", h, moment.Text)
	}
	return strconv.FormatInt(int64(h), 10)
}

// statesOf returns the states of a member in words.
func statesOf(m router.Member) (states []string) {
	add := func(holds bool, format string, args ...any) {
		if holds {
			states = append(states, fmt.Sprintf(format, args...))
		}
	}
	add(m.State != "alive", "does not answer")
	add(!m.Established, "joining: its copies do not count yet")
	add(m.Leaving && m.Drain == nil, "leaving")
	if m.Drain != nil {
		add(true, "being drained: %d of %d slices are on other stores", m.Drain.Secured, m.Drain.Slices)
	}
	add(m.Recovering, "recovering after a start")
	add(m.Repairing > 0, "compares or fetches %s", figure.Many(m.Repairing, "hour"))
	add(m.Behind > 0, "lacks %s", figure.Many(m.Behind, "batch"))
	add(m.Unreadable > 0, "damaged on its disk: %s", figure.Many(m.Unreadable, "batch"))
	if len(states) == 0 {
		return []string{"serves"}
	}
	return states
}

// notesOf says what absent members mean for writes and reads.
func notesOf(view router.MembersView) (notes []clusterNote) {
	var absent, recovering []string
	established := 0
	for _, m := range view.Members {
		switch {
		case m.Established && m.State != "alive":
			absent = append(absent, m.Name)
		case m.Established && m.Recovering:
			recovering = append(recovering, m.Name)
		}
		if m.Established {
			established++
		}
	}
	w, copies := view.Ring.WriteQuorum, view.Ring.ReplicationFactor
	silent := len(absent) + len(recovering)
	if len(absent) > 0 {
		notes = append(notes, absenceNote(absent, silent, established, w, copies))
	}
	if len(recovering) > 0 {
		notes = append(notes,
			clusterNote{"unproven", fmt.Sprintf("%s started a short time ago. Until other stores have checked %s disk, "+
				"complete answers count the store as silent.", strings.Join(recovering, ", "), its(recovering))})
	}
	return notes
}

func its(names []string) string {
	if len(names) == 1 {
		return "its"
	}
	return "their"
}

// absenceNote states the consequences of absent stores. Fewer silent stores than the write quorum W cannot hide an
// acknowledged batch (P4).
func absenceNote(absent []string, silent, established, w, copies int) clusterNote {
	names := strings.Join(absent, ", ")
	verb := "do not answer"
	if len(absent) == 1 {
		verb = "does not answer"
	}
	switch {
	case silent < w:
		return clusterNote{"unproven",
			fmt.Sprintf("%s %s. Answers are complete all the same: each acknowledged record is on %d stores, "+
				"and fewer than %d are silent. Writes go on with other stores.", names, verb, w, w)}
	case established-silent < w:
		return clusterNote{"bad",
			fmt.Sprintf("%s %s. Writes are refused, because fewer than %d stores are left. Reads are refused where "+
				"too few stores of an hour answer; partial=true shows the rest, which may be too low.", names, verb, w)}
	}
	return clusterNote{"bad",
		fmt.Sprintf("%s %s. Writes go on. An answer may lack records that only these stores hold, so it says "+
			"unproven if at least %d of the %d stores of its hour answered, and is refused otherwise.",
			names, verb, copies-w+1, copies)}
}
