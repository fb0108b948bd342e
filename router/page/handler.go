package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/buildinfo"
	"flowring/internal/contract"
	"flowring/internal/redact"
	"flowring/router"
	"flowring/router/ask"
	"flowring/router/principal"
	"flowring/router/rows"
)

//go:embed files
var embedded embed.FS

// Cluster is the cluster as the pages use it, through the node that serves them.
type Cluster interface {
	Query(ctx context.Context, spec *query.Spec, ask contract.Ask) (contract.Rows, error)
	Hours(ctx context.Context, from, to flow.Hour, ask contract.Ask) (contract.Hours, error)
	Members() router.MembersView
}

// Deps are the collaborators of a Handler.
type Deps struct {
	Cluster  Cluster
	Meter    *rows.Meter      // counts the queries, beside those of clients; nil: one of its own, without a registry
	Gate     *principal.Gate  // decides who may read; nil: an open gate
	AnyHour  bool             // take an hour that looks like a time in another unit, such as seconds since 1970
	Insecure bool             // take tokens over a network without TLS
	Log      *slog.Logger     // nil: silent
	Now      func() time.Time // nil: time.Now
}

// Handler serves the pages.
type Handler struct {
	Deps
	templates *template.Template
	views     map[string]view  // by path
	assets    map[string]asset // by path
	style     string           // paths with the hash of the content, so that browsers may keep the files for ever
	script    string
	version   string // of the program
}

// asset is an embedded file.
type asset struct {
	content []byte
	media   string
}

// New returns a Handler.
func New(deps Deps) *Handler {
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Meter == nil {
		deps.Meter = rows.NewMeter(nil, deps.Log)
	}
	if deps.Gate == nil {
		deps.Gate = principal.NewGate(principal.Config{Log: deps.Log})
	}
	h := &Handler{Deps: deps, assets: map[string]asset{}, version: buildinfo.Read().Version}
	h.templates = template.Must(template.ParseFS(embedded, "files/*.html"))
	h.views = map[string]view{
		"/":        {"overview", "Overview", h.overview},
		"/explore": {"explore", "Explore", h.explore},
		"/live":    {"live", "Live", h.live},
		"/cluster": {"cluster", "Cluster", h.cluster},
	}
	h.style, h.script = h.addAsset("style.css"), h.addAsset("page.js")
	return h
}

func (h *Handler) addAsset(name string) (link string) {
	content, err := fs.ReadFile(embedded, path.Join("files", name))
	if err != nil {
		panic(err) // the file is a part of the program
	}
	hash := sha256.Sum256(content)
	link = "/page/" + hex.EncodeToString(hash[:6]) + "/" + name
	h.assets[link] = asset{content, mime.TypeByExtension(path.Ext(name))}
	return link
}

// policy allows nothing but the files of the node itself. The icon is an empty data URL, which spares a request.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP implements router.Pages: it serves the files, and signs out.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a, ok := h.assets[r.URL.Path]; ok {
		protect(w.Header())
		w.Header().Set("Content-Type", a.media)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Write(a.content)
		return
	}
	if r.URL.Path != "/sign-out" {
		http.NotFound(w, r)
		return
	}
	setCookie(w, r, "", -1)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

// Answer implements router.Pages.
func (h *Handler) Answer(w http.ResponseWriter, r *http.Request, refused error) error {
	if r.URL.Path == "/sign-in" {
		return h.signIn(w, r)
	}
	view := h.views[r.URL.Path]
	if refused != nil {
		view.fill = func(context.Context, *content) error { return refused }
	}
	return h.render(w, r, view)
}

// parse returns the question of parameters of GET /flows, and the question with its range in hours.
func (h *Handler) parse(parameters url.Values) (*ask.Query, *query.Spec, error) {
	asking, err := ask.Parser{AnyHour: h.AnyHour}.Parse(parameters)
	if err != nil {
		return nil, nil, err
	}
	spec, err := asking.Resolve(h.Now())
	return asking, spec, err
}

// protect sets the headers that restrict a browser.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

// view is one page.
type view struct {
	name, title string
	fill        func(ctx context.Context, p *content) error
}

// paths are the paths of the views, in the order of the navigation.
var paths = []string{"/", "/explore", "/live", "/cluster"}

// content is a page for the template.
type content struct {
	View, Title, Version string
	Style, Script        string
	Nav                  []navItem
	Completeness         string // of the least complete answer of the page; empty: the page shows no totals
	Problem              *problem
	Refresh              bool
	Local                bool // times in the time zone of the reader
	SignedIn             bool
	Back                 string // the path behind the form of a token
	Overview             *overview
	Explore              *explore
	Live                 *live
	Cluster              *clusterPage

	parameters url.Values
	path       string
	address    string // of the node, as the browser knows it
	least      contract.Completeness
	answered   bool
}

type navItem struct {
	Name, Link string
	Current    bool
}

// render answers with a page. A refusal is a part of the page, with its status; render returns it.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, v view) error {
	parameters, err := url.ParseQuery(redact.Tokens(r.URL.RawQuery)) // for links, which readers share
	if err != nil {
		err = contract.Query.Errorf("the query is not well formed: %w", err)
	}
	p := &content{
		View: v.name, Title: v.title, Version: h.version, Style: h.style, Script: h.script,
		Local:      parameters.Get("tz") == "local",
		parameters: parameters, path: r.URL.Path, address: addressOf(r), least: contract.Complete,
	}
	_, noCookie := r.Cookie(principal.Cookie)
	p.SignedIn = noCookie == nil
	p.Nav = p.navigation(h.views)
	if err == nil {
		err = v.fill(r.Context(), p)
	}
	status := http.StatusOK
	if err != nil {
		status, p.Problem = p.problemOf(err)
	} else if p.answered {
		p.Completeness = p.least.String()
	}
	var page bytes.Buffer
	if err := h.templates.ExecuteTemplate(&page, "page", p); err != nil {
		h.Log.ErrorContext(r.Context(), "page not made", "path", r.URL.Path, "err", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return err
	}
	if status == http.StatusUnauthorized { // not Basic, because the browser would ask by a dialog of its own
		w.Header().Set("WWW-Authenticate", `Bearer realm="flowring"`)
	}
	protect(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(page.Bytes())
	return err
}

// addressOf returns the URL of the node without a path.
func addressOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// curl returns a command for a path of the node, for a shell. It names a token in place of the cookie of the browser.
func (p *content) curl(path string) string {
	token := ""
	if p.SignedIn {
		token = `-H "Authorization: Bearer $TOKEN" `
	}
	return "curl " + token + quoteForShell(p.address+path)
}

// quoteForShell returns a text in single quotes.
func quoteForShell(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// navigation returns the links between the pages. They keep the range, the need and the time zone.
func (p *content) navigation(views map[string]view) (items []navItem) {
	kept := url.Values{}
	for _, name := range []string{"from", "to", "partial", "tz"} {
		if p.parameters.Has(name) {
			kept[name] = p.parameters[name]
		}
	}
	for _, path := range paths {
		link := path
		if len(kept) > 0 {
			link += "?" + kept.Encode()
		}
		items = append(items, navItem{views[path].title, link, path == p.path})
	}
	return items
}

// Link returns the link to a page of the navigation.
func (p *content) Link(view string) string { return "/" + view }

// ZoneLink returns the link to this page with times in the other zone.
func (p *content) ZoneLink() string {
	if p.Local {
		return p.with("tz", "")
	}
	return p.with("tz", "local")
}

// with returns the link to this page with a parameter changed; an empty value removes it. Pages of rows begin again.
func (p *content) with(pairs ...string) string {
	return linkWith(p.path, p.parameters, pairs...)
}

func linkWith(path string, parameters url.Values, pairs ...string) string {
	changed := url.Values{}
	for name, values := range parameters {
		changed[name] = values
	}
	changed.Del("cursor")
	for i := 0; i < len(pairs); i += 2 {
		if changed.Del(pairs[i]); pairs[i+1] != "" {
			changed.Set(pairs[i], pairs[i+1])
		}
	}
	if len(changed) == 0 {
		return path
	}
	return path + "?" + changed.Encode()
}

// measure counts a query of the page. The log has the path alone, because a page takes parameters that it does not
// know.
func (h *Handler) measure(ctx context.Context, p *content, kind string) (end func(rows int)) {
	return h.Meter.Begin(ctx, kind, &url.URL{Path: p.path})
}

// note takes the completeness of an answer into account.
func (p *content) note(c contract.Completeness) {
	p.answered = true
	p.least = min(p.least, c)
}

// ask returns the need of the page.
func (p *content) ask() contract.Ask {
	if p.parameters.Get("partial") == "true" {
		return contract.Ask{Need: contract.NeedPartial}
	}
	return contract.Ask{}
}

// problem is a refusal for the template.
type problem struct {
	Title, Detail, Advice  string
	Retry, Partial, SignIn string
}

func (p *content) problemOf(err error) (status int, _ *problem) {
	refusal, detail := router.RefusalOf(err)
	shown := &problem{Title: refusal.Title(), Detail: sentence(detail), Advice: refusal.Advice(), Retry: p.with()}
	if refusal == contract.Unavailable {
		shown.Advice = "" // it is about writes
	}
	if refusal == contract.Unavailable && p.parameters.Get("partial") != "true" {
		shown.Partial = p.with("partial", "true")
	}
	if needsSignIn(err) {
		shown.Retry, shown.Advice = "", "" // the advice is for programs
		if p.View != "sign-in" {
			shown.SignIn = linkWith("/sign-in", nil, "back", p.with())
		}
	}
	return refusal.Status(), shown
}

// sentence gives a text of an error the form of a sentence.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}
