package page

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"flowring/internal/contract"
	"flowring/router/principal"
)

// signInHandler takes the token fr_good, and knows fr_write, which may not read.
func signInHandler() *Handler {
	tokens, err := principal.Parse(fmt.Sprintf("reader read %x\nwriter write %x", sha256.Sum256([]byte("fr_good")), sha256.Sum256([]byte("fr_write"))))
	if err != nil {
		panic(err) // the text is valid
	}
	gate := principal.NewGate(principal.Config{Tokens: func() *principal.Tokens { return tokens }, Required: true})
	return New(Deps{Cluster: &fakeCluster{}, Gate: gate})
}

// signInAt posts a token from an address and returns the answer.
func signInAt(remote, token, back string) *http.Response {
	form := url.Values{"token": {token}, "back": {back}}
	r := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = remote
	w := httptest.NewRecorder()
	signInHandler().Answer(w, r, nil)
	return w.Result()
}

func TestATokenBecomesACookieThatScriptsCannotRead(t *testing.T) {
	res := signInAt("127.0.0.1:5000", " fr_good\n", "/explore?from=-2h")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/explore?from=-2h" || len(res.Cookies()) != 1 {
		t.Fatalf("status %d, Location %q, cookies %v", res.StatusCode, res.Header.Get("Location"), res.Cookies())
	}
	if c := res.Cookies()[0]; c.Value != "fr_good" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure {
		t.Errorf("the cookie is %+v, want HttpOnly, SameSite=Strict and, without TLS, not Secure", c)
	}
}

func TestRefusedTokensAreNotKeptOrShown(t *testing.T) {
	for name, tt := range map[string]struct {
		remote, token string
		status        int
		want          string
	}{
		"a wrong token":                 {"127.0.0.1:5000", "fr_wrong", 401, "The token is not in the tokens file"},
		"a token that may not read":     {"127.0.0.1:5000", "fr_write", 403, "has no scope read"},
		"a network without TLS":         {"10.0.0.7:5000", "fr_good", 403, "has no TLS"},
		"a wrong token over a network":  {"10.0.0.7:5000", "fr_wrong", 403, "has no TLS"},
		"another network without TLS":   {"[2001:db8::1]:5000", "fr_good", 403, "has no TLS"},
		"an address that is no address": {"somewhere", "fr_good", 403, "has no TLS"},
	} {
		res := signInAt(tt.remote, tt.token, "/")
		page := new(strings.Builder)
		res.Write(page)
		if res.StatusCode != tt.status || len(res.Cookies()) > 0 || strings.Contains(page.String(), tt.token) || !strings.Contains(page.String(), tt.want) {
			t.Errorf("%s: status %d, cookies %v, want %d, %q and no token:\n%s", name, res.StatusCode, res.Cookies(), tt.status, tt.want, page)
		}
	}
}

// The path behind the form stays on the node.
func TestTheWayBackStaysOnTheNode(t *testing.T) {
	for back, want := range map[string]string{
		"": "/", "/": "/", "/explore?a=b": "/explore?a=b", "https://evil.example/": "/", "//evil.example/": "/", `/\evil.example`: "/",
		"javascript:alert(1)": "/", "evil": "/", "/\r\nX: y": "/",
	} {
		if got := signInAt("127.0.0.1:1", "fr_good", back).Header.Get("Location"); got != want {
			t.Errorf("the way back of %q is %q, want %q", back, got, want)
		}
	}
}

func TestAPageWithoutATokenLeadsToTheForm(t *testing.T) {
	h := New(Deps{Cluster: &fakeCluster{}})
	w := httptest.NewRecorder()
	refused := contract.Unauthorized.Errorf("the request has no token")
	if err := h.Answer(w, httptest.NewRequest(http.MethodGet, "/explore?from=-2h", nil), refused); !errors.Is(err, contract.Unauthorized) {
		t.Errorf("Answer() = %v, want the refusal", err)
	}
	if w.Code != 401 || w.Header().Get("WWW-Authenticate") != `Bearer realm="flowring"` || !strings.Contains(w.Body.String(), `href="/sign-in?back=%2Fexplore%3Ffrom%3D-2h"`) {
		t.Errorf("status %d, the page does not lead to the form:\n%s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	h.Answer(w, httptest.NewRequest(http.MethodGet, "/sign-in?back=/live", nil), nil)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `name="back" value="/live"`) {
		t.Errorf("status %d, the form is:\n%s", w.Code, w.Body)
	}
}

// countedReader counts the bytes that were read.
type countedReader struct {
	io.Reader
	read int
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

// Nobody has signed in yet, so the form costs little, whatever it claims to be (P16).
func TestALargeFormIsNotRead(t *testing.T) {
	for _, media := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=b"} {
		head := "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n"
		if !strings.HasPrefix(media, "multipart") {
			head = "token="
		}
		body := &countedReader{Reader: strings.NewReader(head + strings.Repeat("x", 4<<20))}
		r := httptest.NewRequest(http.MethodPost, "/sign-in", body)
		r.Header.Set("Content-Type", media)
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		signInHandler().Answer(w, r, nil)
		if body.read > 2*maxForm || w.Code == http.StatusSeeOther {
			t.Errorf("%s: %d bytes were read, status %d, want at most %d and a refusal", media, body.read, w.Code, 2*maxForm)
		}
	}
}
