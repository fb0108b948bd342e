package redact

import (
	"strings"
	"testing"
)

func TestTokensLeavesTheMarkOfEachToken(t *testing.T) {
	const token = Mark + "uS0-fM_lDQ9uQd3cPvXmJq1x8bKtR5yZhWnE2aLgI7o"
	for text, want := range map[string]string{
		"":                                     "",
		"flowring_http_refusals_total":         "flowring_http_refusals_total",
		"FLOWRING_TOKEN_FILE, flowring_":       "FLOWRING_TOKEN_FILE, flowring_",
		token:                                  Mark + "...",
		token[:20]:                             Mark + "...", // a message that is cut
		`got "` + token + `", want`:            `got "flowring_...", want`,
		"/a/" + token + "/b?x=" + token + "&y": "/a/flowring_.../b?x=flowring_...&y",
		"flowring_flowring_" + token[9:]:       "flowring_...",
	} {
		if got := Tokens(text); got != want {
			t.Errorf("Tokens(%q) = %q, want %q", text, got, want)
		}
	}
}

// FuzzTokens looks for a text that hides a token from Tokens.
func FuzzTokens(f *testing.F) {
	f.Add("before", "after")
	f.Add(Mark, "_")
	f.Fuzz(func(t *testing.T, before, after string) {
		const random = "Q9uQd3cPvXmJq1x8bKtR5yZhWnE2aLgI7o"
		if got := Tokens(before + Mark + random + after); strings.Contains(got, random) && !strings.Contains(before+after, random) {
			t.Errorf("Tokens(%q, a token, %q) = %q", before, after, got)
		}
	})
}
