package traffic

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"flowring/flow"
)

func TestEveryCellHasThePostsThatItsNameSays(t *testing.T) {
	for _, g := range Groups() {
		for _, c := range g.Cells {
			t.Run(g.Name+"/"+c.Name, func(t *testing.T) {
				b, err := newBodies(c, 500_000, "")
				if err != nil {
					t.Fatal(err)
				}
				text := b.Append(nil, 0)
				if !json.Valid(text) {
					t.Fatalf("the body is no JSON: %.300s", text)
				}
				p, err := flow.Decode(text)
				if err != nil {
					t.Fatalf("Decode(%.300s) = %v", text, err)
				}
				distinct := max(1, c.records*c.distinct/100)
				if p.Records != c.records || len(p.Batches) != c.hours || p.Flows() != distinct {
					t.Errorf("the body has %d records, %d hours and %d flows; want %d, %d and %d",
						p.Records, len(p.Batches), p.Flows(), c.records, c.hours, distinct)
				}
				if name := len(p.Batches[0].Names[0]); !strings.Contains(c.form.name, "names") && name != c.name {
					t.Errorf("a name has %d bytes, want %d: %s", name, c.name, p.Batches[0].Names[0])
				}
				if c.moving > 1 && bytes.Contains(b.Append(nil, 1), []byte(p.Batches[0].Slice.Hour.String())) {
					t.Error("the second post has the hour of the first one")
				}
			})
		}
	}
}

func TestEveryGroupHasACellInTheShortForm(t *testing.T) {
	for _, g := range Groups() {
		short := 0
		for _, c := range g.Cells {
			if c.short {
				short++
			}
		}
		if short == 0 {
			t.Errorf("the short form leaves out the group %q", g.Name)
		}
	}
}

func TestACompressedBodyIsTheSameBody(t *testing.T) {
	c := usual()
	plain, err := newBodies(c, 500_000, "")
	if err != nil {
		t.Fatal(err)
	}
	packed, err := newBodies(c, 500_000, "gzip")
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed.Append(nil, 0)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain.Append(nil, 0)) {
		t.Errorf("the body has %d bytes, %v; want the %d of the plain body", len(got), err, len(plain.Append(nil, 0)))
	}
	if _, err := newBodies(c, 500_000, "br"); err == nil {
		t.Error("newBodies with the coding br = nil, want an error")
	}
}

// results are a group whose worst cell is at twice its bar.
func results() []Result {
	cell := func(name string, node time.Duration) Costs {
		return Costs{Cell{Name: name}, 10 * time.Microsecond, 1000 * time.Microsecond, node * time.Microsecond}
	}
	return []Result{{
		Group:   Group{Name: "numbers", Bars: Bars{Worst: 0.2, Median: 0.2}},
		Costs:   []Costs{cell("one", 400), cell("two", 50), cell("three", 100)},
		LeftOut: []string{"four", "five"},
	}}
}

func TestTheTableShowsTheWorstAndTheMedianCell(t *testing.T) {
	var text strings.Builder
	if err := Write(&text, results()); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(text.String()), " ")
	for _, want := range []string{"one 10.0 1000 400 0.40 40.0", "left out: four; five", "numbers 0.40 0.20 0.10 0.20 40.0 10.0 NO, 2.00 times the bar"} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, text.String())
		}
	}
}

func TestCheckFailsAboveItsFactor(t *testing.T) {
	held := []Figure{{"flows", "bytes", 100, 80}, {"rest", "MB", 9, 0}}
	if err := Check(results(), held, 2.1); err != nil {
		t.Errorf("Check with the factor 2.1 = %v, want nil", err)
	}
	if err := Check(results(), nil, 1.9); err == nil || !strings.Contains(err.Error(), "numbers: 2.00 times the bar") {
		t.Errorf("Check with the factor 1.9 = %v, want the group", err)
	}
	if err := Check(nil, held, 1.2); err == nil || !strings.Contains(err.Error(), "flows: 100 bytes, the bar is 80.0") {
		t.Errorf("Check with the factor 1.2 = %v, want the figure", err)
	}
}
