package redact

import (
	"regexp"
	"strings"
)

// Mark begins each token. Programs that look for secrets in files can find it too.
const Mark = "flowring_"

// token is a Mark with letters, digits, - and _, as in base64 for URLs, of which one is an upper-case letter. Metrics
// begin with the Mark too, and have no such letter. A token of 43 random letters without one has a probability of 1 to
// 10 billion.
var token = regexp.MustCompile(Mark + `[a-z0-9_-]*[A-Z][A-Za-z0-9_-]*`)

// Tokens returns a text in which each token, or the beginning of one, is only its Mark and three dots.
func Tokens(text string) string {
	if !strings.Contains(text, Mark) {
		return text
	}
	return token.ReplaceAllLiteralString(text, Mark+"...")
}
