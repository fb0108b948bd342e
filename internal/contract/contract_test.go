package contract

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestReadsHaveTextForms(t *testing.T) {
	for _, c := range []Completeness{Partial, Unproven, Complete} {
		if got, err := ParseCompleteness(c.String()); got != c || err != nil {
			t.Errorf("ParseCompleteness(%q) = %v, %v, want %v", c.String(), got, err, c)
		}
	}
	for _, text := range []string{"", "True", "complete", "0"} {
		if got, err := ParseCompleteness(text); got != Partial || err == nil {
			t.Errorf("ParseCompleteness(%q) = %v, %v, want Partial and an error", text, got, err)
		}
	}
	for _, n := range []Need{NeedUnproven, NeedComplete, NeedPartial} {
		if got := ParseNeed(n.String()); got != n {
			t.Errorf("ParseNeed(%q) = %v, want %v", n.String(), got, n)
		}
	}
	if got := ParseNeed("nonsense"); got != NeedUnproven {
		t.Errorf("ParseNeed(nonsense) = %v, want the default", got)
	}
}

func TestANeedAcceptsItsLevelAndStrongerOnes(t *testing.T) {
	for need, weakest := range map[Need]Completeness{NeedComplete: Complete, NeedUnproven: Unproven, NeedPartial: Partial} {
		for c := Partial; c <= Complete; c++ {
			if got := need.Accepts(c); got != (c >= weakest) {
				t.Errorf("need %d accepts %s: %t, want %t", need, c, got, c >= weakest)
			}
		}
	}
}

func TestAReaderKnowsTheTagsThatItNames(t *testing.T) {
	for _, tt := range []struct {
		known []Tag
		tag   Tag
		want  bool
	}{
		{nil, "a", false}, {[]Tag{"b"}, "a", false}, {[]Tag{"b", "a"}, "a", true}, {[]Tag{AnyTag}, "a", true},
		{[]Tag{AnyTag}, "", false}, {[]Tag{""}, "", false},
	} {
		if got := (Ask{Known: tt.known}).Knows(tt.tag); got != tt.want {
			t.Errorf("a reader of %q knows %q: %t, want %t", tt.known, tt.tag, got, tt.want)
		}
	}
}

// Two rows may have one problem: the client sees the same in one status, apart from the detail.
func TestTheTableIsConsistent(t *testing.T) {
	codes, problems := map[Code]Refusal{}, map[string]Refusal{} // problems by their status, too
	for r := range All() {
		if r.Error() == "" || r.Status() < 400 || r.Problem() == "" && r.Code() == "" {
			t.Errorf("row %d has the text %q, the status %d, no problem and no code", r, r.Error(), r.Status())
		}
		if known, ok := ByCode(r.Code()); (ok && known == r) != (r.Code() != "") {
			t.Errorf("ByCode(%q) = %v, %t, want %v", r.Code(), known, ok, r)
		}
		if other, taken := codes[r.Code()]; taken && r.Code() != "" {
			t.Errorf("rows %d and %d have the code %s", other, r, r.Code())
		}
		codes[r.Code()] = r
		if r.OfContent() && (r.Code() == "" || r.Problem() == "") || r.Yields() && !r.OfContent() {
			t.Errorf("%v is refused by a store, and has no problem or no code", r)
		}
		if r.Problem() == "" {
			continue
		}
		if r.Title() == "" || !strings.HasSuffix(r.Advice(), ".") {
			t.Errorf("%s has the title %q and the advice %q, want a title and sentences", r.Problem(), r.Title(), r.Advice())
		}
		problem := fmt.Sprintf("%d %s", r.Status(), r.Problem())
		if other, taken := problems[problem]; taken && (other.Title() != r.Title() || other.Advice() != r.Advice()) {
			t.Errorf("rows %d and %d of the problem %s differ", other, r, r.Problem())
		}
		problems[problem] = r
	}
	if r, known := ByCode(""); known {
		t.Errorf("ByCode of no code = %v, want none", r)
	}
}

func TestAnErrorIsTheRefusalThatItsOutermostCarrierSays(t *testing.T) {
	hour := &HourError{Hour: 7, Err: TooManyFlows}
	for _, tt := range []struct {
		name   string
		err    error
		want   Refusal
		detail string // "": no refusal
	}{
		{"another error", errors.New("disk"), Internal, ""},
		{"a bare refusal", fmt.Errorf("admit at n2: %w", KeyReused), KeyReused, KeyReused.Error()},
		{"a refusal with a text", fmt.Errorf("at n2: %w", Query.Errorf("hour is %d", 3)), Query, "hour is 3"},
		{"a refusal of an hour", fmt.Errorf("at n2: %w", hour), TooManyFlows, "hour 7: " + TooManyFlows.Error()},
		// P3: something may be stored, although another store refused it.
		{"a refusal as a cause", &UnavailableError{Reason: "few", Stores: []string{"n2"}, Err: KeyReused}, Unavailable, "few (no answer from n2)"},
	} {
		r, detail, ok := RefusalOf(tt.err)
		if r != tt.want || detail != tt.detail || ok != (tt.detail != "") {
			t.Errorf("%s: RefusalOf(%v) = %v, %q, %t, want %v, %q", tt.name, tt.err, r, detail, ok, tt.want, tt.detail)
		}
	}
	if !errors.Is(hour, TooManyFlows) || !errors.Is(Query.Errorf("x"), Query) || errors.Is(Query.Errorf("x"), Body) {
		t.Error("errors.Is does not find the refusal of an error")
	}
	cause := errors.New("cause")
	if !errors.Is(Body.Errorf("read: %w", cause), cause) {
		t.Error("the cause of a refusal is lost")
	}
}

func TestUnavailableNamesTheStoresAndTheAdvice(t *testing.T) {
	e := &UnavailableError{Reason: "few"}
	if got := e.Error(); got != "few" {
		t.Errorf("Error = %q, want few", got)
	}
	e.Stores = []string{"n2", "n3"}
	if got, want := e.Error(), "few (no answer from n2, n3)"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	e.Stores = []string{StoreLabel("n2", "7a7a1c80ffff")}
	if got, want := e.Error(), "few (no answer from n2 (store 7a7a1c80)); if the disk"; !strings.HasPrefix(got, want) {
		t.Errorf("Error = %q, want %q ...", got, want)
	}
}

// A failure adds the store, or the reason and the stores of a store that could not reach others.
func TestAFailureAddsTheStoreOrTheStoresThatItMissed(t *testing.T) {
	broken := errors.New("broken")
	e := &UnavailableError{Reason: "no store answered"}
	e.AddFailure("a", broken)
	e.AddFailure("a", broken)
	if want := "no store answered (no answer from a)"; e.Error() != want || !errors.Is(e, broken) || IsUnreached(broken) {
		t.Errorf("after two failures of a: %v, want %s", e, want)
	}
	few := &UnavailableError{Reason: "1 of 2 stores", Stores: []string{"c", "a"}}
	e.AddFailure("b", fmt.Errorf("call: %w", few))
	if want := "1 of 2 stores (no answer from a, c)"; e.Error() != want || !errors.Is(e, few) || !IsUnreached(e) {
		t.Errorf("after a failure of b, which missed c and a: %v, want %s", e, want)
	}
}
