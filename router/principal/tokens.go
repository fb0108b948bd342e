package principal

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"flowring/internal/redact"
	"flowring/internal/reload"
)

// Principal is the sender of a request. The zero value is a sender without a name.
type Principal struct {
	Name   string
	Scopes Scopes
	Limits *Limits // nil: none
}

// Tokens are the principals of a tokens file.
type Tokens struct {
	tokens  map[uint64][]token // by the first bytes of the hash
	certs   map[string]Scopes  // by the name in the certificate
	anyCert Scopes             // of a certificate without a line of its own
	limits  map[string]*Limits // by the name of a principal, or anyName; without principals that have none
}

// token is a line with the hash of a token.
type token struct {
	hash [sha256.Size]byte
	who  Principal
}

// The limits of a tokens file.
const (
	maxLines = 10_000
	maxName  = 255 // bytes
)

// anyName is the name of the line for certificates without a line of their own.
const anyName = "*"

// Source returns the source of the tokens in a file.
func Source(file string) reload.Source[*Tokens] {
	return reload.Source[*Tokens]{Name: "tokens", Files: []string{file}, Parse: func(contents [][]byte) (*Tokens, error) {
		tokens, err := Parse(string(contents[0]))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return tokens, nil
	}}
}

// Parse reads a tokens file. Its errors have the number of the line, and nothing of its text, because that may hold a
// token. It ignores empty lines and lines that begin with #. A text without a principal is an error, because it would
// refuse everybody.
func Parse(text string) (*Tokens, error) {
	t := &Tokens{tokens: map[uint64][]token{}, certs: map[string]Scopes{}, limits: map[string]*Limits{}}
	number, principals := 0, 0
	for line := range strings.Lines(text) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if principals++; principals > maxLines {
			return nil, fmt.Errorf("line %d: more than %d principals", number, maxLines)
		}
		if err := t.add(words); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if principals == 0 {
		return nil, errors.New("no line has a principal")
	}
	for _, some := range t.tokens {
		for i, one := range some {
			some[i].who.Limits = t.limits[one.who.Name]
		}
	}
	return t, nil
}

// add adds the principal of a line.
func (t *Tokens) add(words []string) error {
	if len(words) < 3 {
		return fmt.Errorf("%d words, want three or more: name, scopes, the SHA-256 of a token or the word cert, and limits",
			len(words))
	}
	if err := CheckName(words[0]); err != nil {
		return fmt.Errorf("the name is not usable: %w", err)
	}
	scopes, err := ParseScopes(words[1])
	if err != nil {
		return fmt.Errorf("the second word has no scopes: %w", err)
	}
	limits, err := parseLimits(words[3:])
	if err != nil {
		return err
	}
	if err := t.limit(words[0], limits); err != nil {
		return err
	}
	if words[2] == "cert" {
		return t.addCertificate(words[0], scopes)
	}
	if words[0] == anyName {
		return errors.New("the name * is for certificates alone")
	}
	hash, err := hex.DecodeString(words[2])
	if err != nil || len(hash) != sha256.Size {
		return errors.New("the third word is neither the SHA-256 of a token, in 64 hexadecimal digits, nor the word cert")
	}
	return t.addToken(token{[sha256.Size]byte(hash), Principal{Name: words[0], Scopes: scopes}})
}

func (t *Tokens) addCertificate(name string, scopes Scopes) error {
	if _, twice := t.certs[name]; twice || name == anyName && t.anyCert != 0 {
		return errors.New("an earlier line has the certificate of this name")
	}
	if name == anyName {
		t.anyCert = scopes
	} else {
		t.certs[name] = scopes
	}
	return nil
}

func (t *Tokens) addToken(one token) error {
	for _, other := range t.tokens[prefix(one.hash)] {
		if other.hash == one.hash {
			return errors.New("an earlier line has the same token")
		}
	}
	t.tokens[prefix(one.hash)] = append(t.tokens[prefix(one.hash)], one)
	return nil
}

// prefix selects the lines that Token compares. A sender may learn it from the time of the answer, which helps nobody:
// nobody can choose a token by its hash.
func prefix(hash [sha256.Size]byte) uint64 { return binary.BigEndian.Uint64(hash[:]) }

// Token returns the principal of a token.
func (t *Tokens) Token(secret string) (who Principal, known bool) {
	hash := sha256.Sum256([]byte(secret))
	for _, one := range t.tokens[prefix(hash)] {
		if subtle.ConstantTimeCompare(one.hash[:], hash[:]) == 1 {
			return one.who, true
		}
	}
	return Principal{}, false
}

// Certificate returns the principal of a verified certificate. A certificate without a usable name has none; one
// without a line has no scope.
func (t *Tokens) Certificate(cert *x509.Certificate) (who Principal, known bool) {
	name := nameOf(cert)
	if CheckName(name) != nil || name == anyName {
		return Principal{}, false
	}
	scopes, listed := t.certs[name]
	limits := t.limits[name]
	if !listed {
		scopes = t.anyCert
		if limits == nil {
			limits = t.limits[anyName]
		}
	}
	return Principal{name, scopes, limits}, true
}

// nameOf returns the first URI of a certificate, as SPIFFE has it, or its first DNS name.
func nameOf(cert *x509.Certificate) string {
	switch {
	case len(cert.URIs) > 0:
		return cert.URIs[0].String()
	case len(cert.DNSNames) > 0:
		return cert.DNSNames[0]
	}
	return ""
}

// CheckName reports whether a text can be the name of a principal: 1 to 255 bytes of visible ASCII, and no # in front.
func CheckName(name string) error {
	switch {
	case name == "" || len(name) > maxName:
		return fmt.Errorf("it has %d bytes, want 1 to %d", len(name), maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("it has a character that is not visible ASCII")
	case name[0] == '#':
		return errors.New("it begins with #")
	}
	return nil
}

// New returns a new token of 256 random bits, and its line of the tokens file.
func New(name string, scopes Scopes) (secret, line string) {
	var random [32]byte
	rand.Read(random[:]) // never fails
	secret = redact.Mark + base64.RawURLEncoding.EncodeToString(random[:])
	return secret, fmt.Sprintf("%s %s %x", name, scopes, sha256.Sum256([]byte(secret)))
}
