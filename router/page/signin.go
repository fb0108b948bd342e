package page

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"flowring/internal/contract"
	"flowring/internal/redact"
	"flowring/router/principal"
)

// maxForm is the greatest size of the form with a token, in bytes.
const maxForm = 16 << 10

// signIn answers the form, and takes a token. The cookie holds the token itself, so every node accepts it.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	back := localPath(redact.Tokens(r.FormValue("back")))
	if r.Method != http.MethodPost {
		return h.renderSignIn(w, r, back, nil)
	}
	token := strings.TrimSpace(r.PostFormValue("token"))
	err := h.mayCarryTokens(r)
	if err == nil {
		err = h.Gate.CheckToken(token, principal.Read)
	}
	if err != nil {
		return h.renderSignIn(w, r, back, err)
	}
	setCookie(w, r, token, 0)
	http.Redirect(w, r, back, http.StatusSeeOther)
	return nil
}

// renderSignIn answers with the form, below a refusal if there is one.
func (h *Handler) renderSignIn(w http.ResponseWriter, r *http.Request, back string, err error) error {
	return h.render(w, r, view{name: "sign-in", title: "Sign in", fill: func(_ context.Context, p *content) error {
		p.Back = back
		return err
	}})
}

func setCookie(w http.ResponseWriter, r *http.Request, token string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: principal.Cookie, Value: url.QueryEscape(token), Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
}

// mayCarryTokens returns an error if a request without TLS comes over a network, where others could read a token.
func (h *Handler) mayCarryTokens(r *http.Request) error {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if r.TLS != nil || h.Insecure || err == nil && at.Addr().Unmap().IsLoopback() {
		return nil
	}
	return contract.Forbidden.Errorf("this connection has no TLS, and others could read a token. Use https, with the" +
		" settings --tls-cert and --tls-key, or come through a tunnel to loopback, such as kubectl port-forward")
}

// localPath returns a path of this node for a redirect; a path of another site becomes the overview.
func localPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") ||
		strings.ContainsAny(path, "\\\r\n") {
		return "/"
	}
	return u.String()
}

// needsSignIn reports whether a token would help.
func needsSignIn(err error) bool {
	return errors.Is(err, contract.Unauthorized) || errors.Is(err, contract.Forbidden)
}
