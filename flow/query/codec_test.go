package query_test

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/flow/query"
)

// drawSpec draws a valid question.
func drawSpec(t *rapid.T) *query.Spec {
	filter := func(name string) query.Filter {
		var f query.Filter
		for _, text := range rapid.SliceOfN(rapid.StringMatching(`[ab*\\]{0,4}`), 0, 2).Draw(t, name) {
			f.Include = append(f.Include, query.ParsePattern(text))
		}
		for _, text := range rapid.SliceOfN(rapid.StringMatching(`[ab*\\]{0,4}`), 0, 2).Draw(t, name+"!") {
			f.Exclude = append(f.Exclude, query.ParsePattern(text))
		}
		return f
	}
	s := &query.Spec{
		From: flow.Hour(rapid.Int64Range(-5, 5).Draw(t, "from")), To: math.MaxInt64,
		Filters:  query.Filters{Src: filter("src"), Dest: filter("dest"), VPC: filter("vpc"), App: filter("app")},
		Group:    query.Fields(rapid.IntRange(0, 31).Draw(t, "group")),
		MinBytes: rapid.Int64Range(0, math.MaxInt64).Draw(t, "min_bytes"),
		Top:      rapid.IntRange(0, 3).Draw(t, "top"), By: query.Measure(rapid.IntRange(0, 2).Draw(t, "by")),
		HasSeries: rapid.Bool().Draw(t, "series"),
		Limit:     rapid.IntRange(0, 3).Draw(t, "limit"),
	}
	if rapid.Bool().Draw(t, "sorted") {
		s.Sort = query.Sort{By: query.SortBy(rapid.IntRange(0, 2).Draw(t, "sort")), Field: query.Field(rapid.IntRange(0, 4).Draw(t, "field")), Descending: true}
	}
	if rapid.Bool().Draw(t, "paged") {
		s.After = &query.Key{Time: rapid.Int64().Draw(t, "time"), Src: "a", VPC: rapid.String().Draw(t, "after")}
	}
	return s
}

func TestASpecSurvivesItsEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpec(t)
		got, err := query.ParseSpec(s.Encode())
		if valid := s.Validate(); valid != nil {
			if err == nil {
				t.Fatalf("ParseSpec accepts an invalid question: %v", valid)
			}
			return
		}
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("ParseSpec(Encode(%+v)) = %+v, %v", s, got, err)
		}
		other := *s
		other.From--
		if s.Hash() != got.Hash() || s.Hash() == other.Hash() {
			t.Fatal("the hash does not name the question")
		}
	})
}

// A question of a newer program is refused by name, with both versions.
func TestAQuestionOfAnotherVersionIsRefusedByName(t *testing.T) {
	data := (&query.Spec{To: 4}).Encode()
	data[0] = 7
	if _, err := query.ParseSpec(data); err == nil || !strings.Contains(err.Error(), "version 7, this program reads version 1") {
		t.Errorf("ParseSpec of version 7 = %v, want both versions", err)
	}
}

// Questions have one encoding, so their hashes name them. Only valid questions are accepted (P16).
func FuzzParseSpec(f *testing.F) {
	plain := query.Spec{From: -1, To: 4, Group: query.DefaultFields, Top: 20}
	f.Add(plain.Encode())
	full := query.Spec{
		From: 1, To: 2, Group: query.FieldsOf(query.Day, query.SrcApp), Limit: 5, After: &query.Key{Time: 3, Src: "a"},
		Filters: query.Filters{App: query.Filter{Include: []query.Pattern{query.ParsePattern(`a\*b*`)}}},
		Sort:    query.Sort{By: query.SortByField, Field: query.Day, Descending: true},
	}
	f.Add(full.Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := query.ParseSpec(data)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Encode(), data) {
			t.Errorf("ParseSpec accepts %x, which it writes as %x", data, s.Encode())
		}
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
	})
}
