package query_test

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/flow/query"
)

// A pattern matches as the regular expression of its parts does.
func TestPatternMatchesLikeARegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab*\\]{0,8}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[ab*\\]{0,10}`).Draw(t, "name")
		var expression strings.Builder
		for i := 0; i < len(text); i++ {
			switch {
			case text[i] == '\\' && i+1 < len(text):
				i++
				expression.WriteString(regexp.QuoteMeta(text[i : i+1]))
			case text[i] == '*':
				expression.WriteString("(?s:.*)")
			default:
				expression.WriteString(regexp.QuoteMeta(text[i : i+1]))
			}
		}
		want := regexp.MustCompile(`\A` + expression.String() + `\z`).MatchString(name)
		if got := query.ParsePattern(text).Matches(name); got != want {
			t.Fatalf("%q matches %q: %t, want %t", text, name, got, want)
		}
	})
}

func TestAPrefixPatternMatchesItsPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.StringMatching(`[ab*\\]{0,4}`).Draw(t, "prefix")
		name := rapid.StringMatching(`[ab*\\]{0,6}`).Draw(t, "name")
		if got, want := query.PrefixPattern(prefix).Matches(name), strings.HasPrefix(name, prefix); got != want {
			t.Fatalf("PrefixPattern(%q) matches %q: %t, want %t", prefix, name, got, want)
		}
	})
}

func TestFiltersCombineFieldsWithAnd(t *testing.T) {
	of := func(texts ...string) (all []query.Pattern) {
		for _, text := range texts {
			all = append(all, query.ParsePattern(text))
		}
		return all
	}
	filters := query.Filters{
		Src:  query.Filter{Include: of("web-*", "cron"), Exclude: of("web-old")},
		VPC:  query.Filter{Exclude: of("test*")},
		App:  query.Filter{Include: of("db"), Exclude: of("*-secret")},
		Dest: query.Filter{},
	}
	for flow, want := range map[[3]string]bool{
		{"web-1", "db", "prod"}: true, {"cron", "db", "prod"}: true, {"web-old", "db", "prod"}: false,
		{"web-1", "db", "test-2"}: false, {"web-1", "cache", "prod"}: false, {"web-secret", "db", "prod"}: false,
		{"db", "web-1", "prod"}: false,
	} {
		if got := filters.Accept(flow[0], flow[1], flow[2]); got != want {
			t.Errorf("Accept(%q) = %t, want %t", flow, got, want)
		}
	}
}

func TestSumsHave128Bits(t *testing.T) {
	sum := query.SumOf(math.MaxInt64)
	if v, saturated := sum.Int64(); v != math.MaxInt64 || saturated {
		t.Errorf("2^63-1 is shown as %d, saturated %t", v, saturated)
	}
	twice := sum.Plus(sum).Plus(sum)
	if twice.High != 1 || twice.Low != math.MaxInt64-2 {
		t.Errorf("3 times 2^63-1 = %+v", twice)
	}
	if v, saturated := twice.Int64(); v != math.MaxInt64 || !saturated {
		t.Errorf("3 times 2^63-1 is shown as %d, saturated %t", v, saturated)
	}
	if sum.Compare(twice) >= 0 || twice.Compare(sum) <= 0 || twice.Compare(twice) != 0 {
		t.Error("sums do not compare by size")
	}
}

func TestDaysBeforeTheEpochAreNegative(t *testing.T) {
	for hour, want := range map[flow.Hour]int64{0: 0, 23: 0, 24: 1, -1: -1, -24: -1, -25: -2} {
		if got := query.DayOf(hour); got != want {
			t.Errorf("DayOf(%d) = %d, want %d", hour, got, want)
		}
	}
}

func TestValidateNamesTheFault(t *testing.T) {
	valid := query.Spec{From: 1, To: 2, Group: query.DefaultFields}
	if err := valid.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, spec := range map[string]query.Spec{
		"has no hours":               {From: 2, To: 2},
		"hour and day":               {From: 1, To: 2, Group: query.FieldsOf(query.Hour, query.Day)},
		"series needs top":           {From: 1, To: 2, HasSeries: true},
		"excludes sort":              {From: 1, To: 2, Top: 3, Limit: 3},
		"in group_by":                {From: 1, To: 2, Sort: query.Sort{By: query.SortByField, Field: query.SrcApp}},
		"a limit of at most 100000":  {From: 1, To: 2, Sort: query.Sort{By: query.SortByMeasure}},
		"series excludes":            {From: 1, To: 2, Top: 1, HasSeries: true, Group: query.FieldsOf(query.Day)},
		"series must be hour or day": {From: 1, To: 2, Top: 1, HasSeries: true, Series: query.VPCID},
	} {
		if err := spec.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want ... %s ...", err, want)
		}
	}
}

// Stores send the groups of a series so that the rows of one group are neighbours.
func TestTheOrderFollowsTheQuestion(t *testing.T) {
	a, b := query.Key{Time: 1, Src: "b", Dest: "x"}, query.Key{Time: 2, Src: "a", Dest: "y"}
	byKey := query.Spec{Group: query.FieldsOf(query.Hour, query.SrcApp, query.DestApp)}
	series := query.Spec{Group: query.FieldsOf(query.SrcApp, query.DestApp), HasSeries: true}
	bySrc, byDest := byKey, byKey
	bySrc.Sort = query.Sort{By: query.SortByField, Field: query.SrcApp}
	byDest.Sort = query.Sort{By: query.SortByField, Field: query.DestApp, Descending: true}
	for name, tt := range map[string]struct {
		spec query.Spec
		want bool // a is before b
	}{
		"by key": {byKey, true}, "series": {series, false}, "by source": {bySrc, false}, "by destination, reversed": {byDest, false},
	} {
		if got := tt.spec.Compare(a, b) < 0; got != tt.want || tt.spec.Compare(b, a) < 0 == tt.want || tt.spec.Compare(a, a) != 0 {
			t.Errorf("%s: %v before %v: %t, want %t", name, a, b, got, tt.want)
		}
	}
}

func TestADifferenceIsNotNegative(t *testing.T) {
	large, small := query.Sum{High: 2, Low: 1}, query.Sum{High: 1, Low: 5}
	if got := large.Minus(small); got.Plus(small) != large {
		t.Errorf("%v - %v = %v", large, small, got)
	}
	if got := small.Minus(large); got != (query.Sum{}) {
		t.Errorf("%v - %v = %v, want 0", small, large, got)
	}
}
