package answer

import (
	"testing"

	"flowring/router"
)

func TestNeedsHaveNames(t *testing.T) {
	for _, need := range []router.Need{router.NeedUnproven, router.NeedComplete, router.NeedPartial} {
		if got := needOf(needNames[need]); got != need {
			t.Errorf("needOf(%q) = %v, want %v", needNames[need], got, need)
		}
	}
	if got := needOf("nonsense"); got != router.NeedUnproven {
		t.Errorf("needOf(nonsense) = %v, want the default", got)
	}
}
