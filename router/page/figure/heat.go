package figure

import (
	"fmt"
	"math"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
)

// Heat is a strip of hours: a row for each day, with a cell for each hour.
type Heat struct {
	Width, Height int
	Hours         []heatHour // headings
	Days          []heatDay
	Least         Amount // of an hour with bytes
	Greatest      Amount
	Doubtful      bool // some hour is
}

type heatHour struct {
	X    int
	Name string
}

type heatDay struct {
	Name     string
	Y, TextY int
	Cells    []heatCell
}

type heatCell struct {
	X        int
	Time     string // for the machine
	Title    string // begins with the time
	Exists   bool   // the hour has flows
	Level    int    // 0 for no bytes, 1 to heatLevels
	Doubtful bool
	Chosen   bool
	Link     string
}

// heatLevels is the number of levels above 0. A level is a fifth of the range of logarithms.
const heatLevels = 5

// The measures of the strip.
const (
	heatLeft  = 84 // for the names of days
	heatTop   = 16 // for the headings
	heatStepX = 24
	heatStepY = 18
)

// HeatOf returns the strip of the days that all touches.
func HeatOf(totals []contract.HourTotals, all, chosen Hours, link func(Hours) string) Heat {
	byHour := map[flow.Hour]contract.HourTotals{}
	heat := Heat{Width: heatLeft + query.HoursOfDay*heatStepX, Height: heatTop}
	for _, t := range totals {
		byHour[t.Hour] = t
		heat.note(t)
	}
	least, greatest := heat.Least.Float(), heat.Greatest.Float()
	for h := 0; h < query.HoursOfDay; h += 6 {
		heat.Hours = append(heat.Hours, heatHour{heatLeft + h*heatStepX + 11, fmt.Sprintf("%02d", h)})
	}
	for day := query.DayOf(all.From); day <= query.DayOf(all.To-1); day++ {
		row := heatDay{Name: MomentOfKey(query.Day, day).Text, Y: heat.Height, TextY: heat.Height + 13}
		for i := range query.HoursOfDay {
			h := flow.Hour(day)*query.HoursOfDay + flow.Hour(i)
			t, exists := byHour[h]
			moment := MomentOf(h)
			cell := heatCell{
				X: heatLeft + i*heatStepX, Time: moment.Machine, Exists: exists, Level: heatLevel(sizeOf(t), least, greatest),
				Title: moment.Text + ": " + Amount{t.Tx.Plus(t.Rx)}.String(), Doubtful: exists && t.Complete != contract.Complete,
				Chosen: chosen.From <= h && h < chosen.To, Link: link(Hours{h, h + 1}),
			}
			if cell.Doubtful {
				cell.Title += ", perhaps not complete"
			}
			row.Cells = append(row.Cells, cell)
		}
		heat.Days = append(heat.Days, row)
		heat.Height += heatStepY
	}
	return heat
}

// Scaled reports whether the colours tell hours apart.
func (h *Heat) Scaled() bool { return h.Least != h.Greatest }

// note takes an hour into account.
func (h *Heat) note(t contract.HourTotals) {
	sum := t.Tx.Plus(t.Rx)
	h.Doubtful = h.Doubtful || t.Complete != contract.Complete
	if sum == (query.Sum{}) {
		return
	}
	if h.Least.Sum == (query.Sum{}) || sum.Compare(h.Least.Sum) < 0 {
		h.Least.Sum = sum
	}
	if sum.Compare(h.Greatest.Sum) > 0 {
		h.Greatest.Sum = sum
	}
}

func sizeOf(t contract.HourTotals) float64 { return t.Tx.Plus(t.Rx).Float() }

func heatLevel(size, least, greatest float64) int {
	switch {
	case size <= 0:
		return 0
	case greatest <= least:
		return heatLevels
	}
	part := math.Log(size/least) / math.Log(greatest/least)
	return 1 + min(heatLevels-1, int(part*heatLevels))
}
