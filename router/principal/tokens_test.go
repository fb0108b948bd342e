package principal

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// hashed returns the third word of a line for a token.
func hashed(token string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(token))) }

func TestTokensFiles(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a token", "agent write " + hashed("t"), ""},
		{"two tokens of a principal", "agent write " + hashed("t") + "\nagent read,write " + hashed("u"), ""},
		{"certificates", "spiffe://a/b write cert\n* read cert", ""},
		{"comments, empty lines, CRLF", "# agents\r\n\r\nagent write " + hashed("t") + "\r\n", ""},
		{"nothing", "", "no line has a principal"},
		{"comments alone", "# agent\n", "no line has a principal"},
		{"two words", "\nagent " + hashed("t"), "line 2: 2 words, want three or more"},
		{"an unknown scope", "agent owner " + hashed("t"), "line 1: the second word has no scopes"},
		{"a scope twice", "agent read,read " + hashed("t"), "line 1: the second word has no scopes"},
		{"no scope", "agent , " + hashed("t"), "line 1: the second word has no scopes"},
		{"a token in place of its hash", "agent write hunter2-hunter2", "line 1: the third word is neither"},
		{"a token in place of the scopes", "agent hunter2 cert", "line 1: the second word has no scopes"},
		{"a token in place of the name", "hunter2\x01 write cert", "line 1: the name is not usable: it has a character"},
		{"a short hash", "agent write " + hashed("t")[2:], "line 1: the third word is neither"},
		{"a token of all", "* write " + hashed("t"), "line 1: the name * is for certificates alone"},
		{"a token twice", "a write " + hashed("t") + "\nb read " + hashed("t"), "line 2: an earlier line has the same token"},
		{"a certificate twice", "a write cert\na read cert", "line 2: an earlier line has the certificate"},
		{"all certificates twice", "* write cert\n* read cert", "line 2: an earlier line has the certificate"},
		{"a long name", strings.Repeat("a", 256) + " write cert", "line 1: the name is not usable: it has 256 bytes"},
		{"limits", "agent write " + hashed("t") + " records-per-second=5 bytes-in-flight=64MiB records-burst=9", ""},
		{"the limits of one line of two", "agent write " + hashed("t") + " bytes-in-flight=9\nagent read " + hashed("u"), ""},
		{"equal limits", "agent write cert bytes-in-flight=1MiB\nagent write " + hashed("t") + " bytes-in-flight=1048576", ""},
		{"other limits", "agent write cert bytes-in-flight=9\nagent write " + hashed("t") + " bytes-in-flight=8", "line 2: an earlier line of this name has other limits"},
		{"a limit without a value", "agent write cert bytes-in-flight", "line 1: the words after the third are limits"},
		{"a limit of zero", "agent write cert records-per-second=0", "line 1: the words after the third are limits"},
		{"a negative limit", "agent write cert records-per-second=-1", "line 1: the words after the third are limits"},
		{"a limit beyond all numbers", "agent write cert records-per-second=1000000001", "line 1: the words after the third are limits"},
		{"a limit twice", "agent write cert bytes-in-flight=9 bytes-in-flight=9", "line 1: the words after the third are limits"},
		{"a burst without a rate", "agent write cert records-burst=9", "line 1: the words after the third are limits"},
		{"a token in place of a limit", "agent write cert hunter2", "line 1: the words after the third are limits"},
		{"a token in place of the value of a limit", "agent write cert bytes-in-flight=hunter2", "line 1: the words after the third are limits"},
		{"too many lines", strings.Repeat("* write cert", 1) + strings.Repeat("\n", 3) + manyLines(maxLines), "line 10003: more than 10000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.text)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Parse() = %v, want %q", err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), hashed("t")[2:])) {
				t.Errorf("the error %q shows a secret", err)
			}
		})
	}
}

func manyLines(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "agent-%d write cert\n", i)
	}
	return text.String()
}

func TestATokenHasThePrincipalOfItsLine(t *testing.T) {
	tokens, err := Parse("a write " + hashed("one") + "\nb read,admin " + hashed("two") + "\na read " + hashed("three"))
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]Principal{
		"one": {Name: "a", Scopes: Write}, "two": {Name: "b", Scopes: Read | Admin}, "three": {Name: "a", Scopes: Read}, "four": {}, "": {}, hashed("one"): {},
	} {
		if got, known := tokens.Token(token); got != want || known != (want.Name != "") {
			t.Errorf("Token(%q) = %v, %t, want %v", token, got, known, want)
		}
	}
}

// All lines of a name share its limits, and the limits of the line * are of each certificate without limits of its own.
func TestAPrincipalHasTheLimitsOfItsName(t *testing.T) {
	tokens, err := Parse("a write " + hashed("one") + "\na write " + hashed("two") + " records-per-second=5\nb write " + hashed("three") +
		"\nc write cert bytes-in-flight=1KiB\n* write cert records-per-second=7 records-burst=8")
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]*Limits{"one": {5, 50, 0}, "two": {5, 50, 0}, "three": nil} {
		if who, _ := tokens.Token(token); !equalLimits(who.Limits, want) {
			t.Errorf("the token %s has the limits %v, want %v", token, who.Limits, want)
		}
	}
	for name, want := range map[string]*Limits{"a": {5, 50, 0}, "c": {0, 0, 1024}, "d": {7, 8, 0}} {
		if who, _ := tokens.Certificate(&x509.Certificate{DNSNames: []string{name}}); !equalLimits(who.Limits, want) {
			t.Errorf("the certificate %s has the limits %v, want %v", name, who.Limits, want)
		}
	}
}

func equalLimits(a, b *Limits) bool { return a == b || a != nil && b != nil && *a == *b }

func TestACertificateIsNamedByItsFirstURI(t *testing.T) {
	uri := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	const lines = "spiffe://x/agent write cert\nagent.example read cert\n"
	for _, tt := range []struct {
		name  string
		lines string
		cert  *x509.Certificate
		want  Principal
		named bool
	}{
		{"a URI and a DNS name", lines, &x509.Certificate{URIs: []*url.URL{uri("spiffe://x/agent")}, DNSNames: []string{"agent.example"}}, Principal{Name: "spiffe://x/agent", Scopes: Write}, true},
		{"a DNS name", lines, &x509.Certificate{DNSNames: []string{"agent.example", "other.example"}}, Principal{Name: "agent.example", Scopes: Read}, true},
		{"a second URI", lines, &x509.Certificate{URIs: []*url.URL{uri("spiffe://x/other"), uri("spiffe://x/agent")}}, Principal{Name: "spiffe://x/other"}, true},
		{"no line", lines, &x509.Certificate{DNSNames: []string{"other.example"}}, Principal{Name: "other.example"}, true},
		{"the line of all", lines + "* read,admin cert", &x509.Certificate{DNSNames: []string{"other.example"}}, Principal{Name: "other.example", Scopes: Read | Admin}, true},
		{"the name of all", lines + "* read cert", &x509.Certificate{DNSNames: []string{"*"}}, Principal{}, false},
		{"no name", lines + "* read cert", &x509.Certificate{}, Principal{}, false},
	} {
		tokens, err := Parse(tt.lines)
		if err != nil {
			t.Fatal(err)
		}
		if got, named := tokens.Certificate(tt.cert); got != tt.want || named != tt.named {
			t.Errorf("%s: Certificate() = %v, %t, want %v, %t", tt.name, got, named, tt.want, tt.named)
		}
	}
}

func TestANewTokenIsTheOneOfItsLine(t *testing.T) {
	secret, line := New("agent", Write|Read)
	tokens, err := Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := tokens.Token(secret); got != (Principal{Name: "agent", Scopes: Write | Read}) || strings.Contains(line, secret) {
		t.Errorf("the new token is of %v by its line, want agent with write,read", got)
	}
	if again, _ := New("agent", Write); again == secret || len(secret) < 50 {
		t.Errorf("two new tokens are equal, or short")
	}
}

// A tokens file that can be read gives each token one principal, and an error shows no long word of the file.
func FuzzParse(f *testing.F) {
	f.Add("agent write " + hashed("t") + "\n* read cert\n# end")
	f.Add("agent write")
	f.Fuzz(func(t *testing.T, text string) {
		tokens, err := Parse(text)
		if err != nil {
			for _, word := range strings.Fields(text) {
				if len(word) > 16 && strings.Contains(err.Error(), word) {
					t.Errorf("the error %q shows %q", err, word)
				}
			}
			return
		}
		for _, lines := range tokens.tokens {
			for _, one := range lines {
				if CheckName(one.who.Name) != nil || one.who.Scopes == 0 || one.who.Scopes > Write|Read|Admin {
					t.Errorf("Parse(%q) has the principal %+v", text, one.who)
				}
			}
		}
	})
}
