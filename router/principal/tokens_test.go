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
		{"two words", "\nagent " + hashed("t"), "line 2: 2 words, want three"},
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
		"one": {"a", Write}, "two": {"b", Read | Admin}, "three": {"a", Read}, "four": {}, "": {}, hashed("one"): {},
	} {
		if got, known := tokens.Token(token); got != want || known != (want.Name != "") {
			t.Errorf("Token(%q) = %v, %t, want %v", token, got, known, want)
		}
	}
}

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
		{"a URI and a DNS name", lines, &x509.Certificate{URIs: []*url.URL{uri("spiffe://x/agent")}, DNSNames: []string{"agent.example"}}, Principal{"spiffe://x/agent", Write}, true},
		{"a DNS name", lines, &x509.Certificate{DNSNames: []string{"agent.example", "other.example"}}, Principal{"agent.example", Read}, true},
		{"a second URI", lines, &x509.Certificate{URIs: []*url.URL{uri("spiffe://x/other"), uri("spiffe://x/agent")}}, Principal{Name: "spiffe://x/other"}, true},
		{"no line", lines, &x509.Certificate{DNSNames: []string{"other.example"}}, Principal{Name: "other.example"}, true},
		{"the line of all", lines + "* read,admin cert", &x509.Certificate{DNSNames: []string{"other.example"}}, Principal{"other.example", Read | Admin}, true},
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
	if got, _ := tokens.Token(secret); got != (Principal{"agent", Write | Read}) || strings.Contains(line, secret) {
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
