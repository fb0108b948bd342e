package pagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"flowring/flow"
	"flowring/internal/nodetest"
	"flowring/node"
	"flowring/router/principal"
)

// browser is one tab of chromium. Errors in its console fail the test.
type browser struct {
	t       *testing.T
	ctx     context.Context
	cluster *cluster

	mu     sync.Mutex
	errors []string
}

func newBrowser(t *testing.T, c *cluster) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed; Debian's package chromium has it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1100, 900), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(nodetest.Patience),
	)
	ctx, stopBrowser := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, closeTab := chromedp.NewContext(ctx)
	b := &browser{t: t, ctx: ctx, cluster: c}
	chromedp.ListenTarget(ctx, b.listen)
	t.Cleanup(func() {
		closeTab()
		stopBrowser()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, text := range b.errors {
			t.Errorf("the console of the browser says: %s", text)
		}
	})
	return b
}

// listen collects the errors of scripts, and the violations of the Content-Security-Policy. A refused or lost request is
// an error of the network, which the tests provoke.
func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, event.ExceptionDetails.Error())
	case *cdplog.EventEntryAdded:
		if event.Entry.Level == cdplog.LevelError && event.Entry.Source != cdplog.SourceNetwork {
			b.errors = append(b.errors, event.Entry.Text)
		}
	}
}

func (b *browser) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// open opens a path of the first node.
func (b *browser) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.cluster.url(path)), chromedp.WaitVisible("h1"))
}

// sees waits until the page has a text.
func (b *browser) sees(text string) {
	b.t.Helper()
	nodetest.Eventually(b.t, func() error {
		var body string
		if err := chromedp.Run(b.ctx, chromedp.Text("body", &body, chromedp.ByQuery)); err != nil {
			return err
		}
		if !strings.Contains(body, text) {
			return fmt.Errorf("the page lacks %q:\n%s", text, body)
		}
		return nil
	})
}

// reaches waits until a page with the parameter has loaded.
func (b *browser) reaches(parameter string) {
	b.t.Helper()
	nodetest.Eventually(b.t, func() error {
		var at string
		loaded := "document.readyState == 'complete' ? decodeURIComponent(location.search) : ''"
		if err := chromedp.Run(b.ctx, chromedp.Evaluate(loaded, &at)); err != nil {
			return err
		}
		if !strings.Contains(at, parameter) {
			return fmt.Errorf("the browser is at %q, want %s", at, parameter)
		}
		return nil
	})
}

// screenshot keeps a picture of the page among the artifacts of the test.
func (b *browser) screenshot(name string) {
	b.t.Helper()
	var picture []byte
	b.do(chromedp.FullScreenshot(&picture, 100))
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), picture, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// evaluate returns the value of an expression in the page.
func evaluate[T any](b *browser, expression string) (v T) {
	b.t.Helper()
	b.do(chromedp.Evaluate(expression, &v))
	return v
}

// views are the pages and a text of each.
var views = map[string]string{
	"/": "Who talks to whom", "/explore": "Over time", "/live": "storefront", "/cluster": "All stores are there",
}

// fits fails if the page is wider than the screen.
func (b *browser) fits(path string) {
	b.t.Helper()
	if wide := evaluate[int](b, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
		b.t.Errorf("%s is %d pixels wider than the screen", path, wide)
	}
}

func TestEveryViewIsShown(t *testing.T) {
	c := startCluster(t)
	c.fill()
	b := newBrowser(t, c)
	for path, text := range views {
		name := strings.Trim(path, "/")
		if name == "" {
			name = "overview"
		}
		b.open(path)
		b.sees(text)
		b.fits(path)
		b.screenshot(name)

		b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
		if colour := evaluate[string](b, "getComputedStyle(document.body).backgroundColor"); colour == "rgb(255, 255, 255)" {
			t.Errorf("%s is white in the dark", path)
		}
		b.screenshot(name + "-dark")
		b.do(emulation.SetEmulatedMedia().WithFeatures(nil))

		b.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
		b.open(path)
		b.sees(text)
		b.fits(path + " on a phone")
		b.screenshot(name + "-phone")
		b.do(chromedp.EmulateViewport(1100, 900))
	}
}

// Every page holds its numbers without scripts too.
func TestPagesWorkWithoutScripts(t *testing.T) {
	c := startCluster(t)
	c.fill()
	b := newBrowser(t, c)
	b.do(emulation.SetScriptExecutionDisabled(true))
	for path, text := range views {
		b.do(chromedp.Navigate(c.url(path)))
		b.sees(text)
	}
}

func TestAFilterIsTypedAndARowIsClicked(t *testing.T) {
	c := startCluster(t)
	c.fill()
	b := newBrowser(t, c)
	b.open("/explore")
	b.do(chromedp.SendKeys("#src_app", "store*"+kb.Enter))
	b.reaches("src_app=store*")
	b.do(chromedp.Click(`//table//a[text()="catalog"]`))
	b.reaches("dest_app=catalog")
	if filter := evaluate[string](b, "document.getElementById('dest_app').value"); filter != "catalog" {
		t.Errorf("a click on a name filters by %q, want catalog", filter)
	}
	if rows := evaluate[int](b, "document.querySelectorAll('main div.scroll > table tbody tr').length"); rows == 0 {
		t.Error("the filtered page has no rows")
	}
	b.do(chromedp.Evaluate("document.getElementById('src_app').value = 'st'", nil), chromedp.SendKeys("#src_app", "o"))
	nodetest.Eventually(t, func() error {
		if n := evaluate[int](b, "document.querySelectorAll('#names-src option').length"); n == 0 {
			return fmt.Errorf("no name completes sto")
		}
		return nil
	})
}

// tabTo presses the tab key until an element has the focus.
func (b *browser) tabTo(selector string) {
	b.t.Helper()
	const most = 60
	for range most {
		b.do(chromedp.KeyEvent(kb.Tab))
		if evaluate[bool](b, "document.activeElement.matches('"+selector+"')") {
			return
		}
	}
	b.t.Fatalf("%d tabs do not reach %s", most, selector)
}

// The keyboard alone asks a query, chooses a name, and pauses the live page.
func TestAQueryIsAskedByKeyboard(t *testing.T) {
	c := startCluster(t)
	c.fill()
	b := newBrowser(t, c)
	b.open("/explore")
	b.tabTo("#src_app")
	b.do(chromedp.KeyEvent("store*"))
	b.tabTo("input[name=group][value=vpc_id]")
	b.do(chromedp.KeyEvent(" "), chromedp.KeyEvent(kb.Enter))
	b.reaches("src_app=store*")
	b.sees("storefront")
	b.tabTo("td a")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.reaches("src_app=storefront")
	b.open("/live")
	b.sees("Newest answer")
	b.tabTo("#pause")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.sees("Paused.")
}

// The live page shows all digits of a sum above 2^53, which a number of JavaScript does not hold.
func TestLiveSumsAreExact(t *testing.T) {
	c := startCluster(t)
	b := newBrowser(t, c)
	b.open("/live")
	b.sees("Newest answer")
	for _, bytes := range []int64{1<<53 - 1, 2} {
		c.post(record(now(), "large", "sum", bytes))
	}
	const title = "9007199254740993 bytes"
	nodetest.Eventually(t, func() error {
		if titles := evaluate[[]string](b, "[...document.querySelectorAll('#live td.n')].map(e => e.title)"); !slices.Contains(titles, title) {
			return fmt.Errorf("the live page has the sums %q, want %s", titles, title)
		}
		return nil
	})
}

// The keyboard alone reaches the content, the pages and a heat cell.
func TestTheKeyboardIsEnough(t *testing.T) {
	c := startCluster(t)
	c.fill()
	b := newBrowser(t, c)
	b.open("/")
	focused := func() string { return evaluate[string](b, "document.activeElement.textContent.trim()") }
	b.do(chromedp.KeyEvent(kb.Tab))
	if at := focused(); at != "Skip to the content" {
		t.Errorf("the first tab stop is %q", at)
	}
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab))
	if at := focused(); at != "Explore" {
		t.Errorf("the third tab stop is %q, want Explore", at)
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	b.sees("Over time")
	b.open("/")
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
	if at := evaluate[string](b, "document.activeElement.id"); at != "main" {
		t.Errorf("the link to the content leads to %q", at)
	}
	cells := evaluate[int](b, "document.querySelectorAll('svg a').length")
	for range 8 + cells {
		b.do(chromedp.KeyEvent(kb.Tab))
		if evaluate[bool](b, "!!document.activeElement.closest('svg')") {
			return
		}
	}
	t.Error("no cell of the heat strip takes the focus")
}

// A node ends while somebody looks. The pages of another node go on and say so.
func TestANodeEndsWhileSomebodyLooks(t *testing.T) {
	c := startCluster(t)
	c.fill()
	b := newBrowser(t, c)
	b.open("/live")
	b.sees("Newest answer")
	if err := c.nodes[2].Abort(); err != nil {
		t.Fatal(err)
	}
	c.post(record(now(), "arrives", "later", 7e12))
	b.sees("arrives")
	b.do(chromedp.Click("#pause"))
	b.sees("Paused.")
	b.screenshot("live-paused")
	nodetest.Eventually(t, func() error {
		b.open("/cluster")
		if text := evaluate[string](b, "document.body.textContent"); !strings.Contains(text, "n3 does not answer") {
			return fmt.Errorf("the page does not miss n3")
		}
		return nil
	})
	b.sees("Answers are complete all the same")
	b.screenshot("cluster-absent")
	if err := c.nodes[1].Abort(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, func() error {
		b.do(chromedp.Navigate(c.url("/")))
		if text := evaluate[string](b, "document.body.textContent"); !strings.Contains(text, "no answer from") {
			return fmt.Errorf("the page is not refused")
		}
		return nil
	})
	b.screenshot("overview-refused")
	b.do(chromedp.Click(`//a[text()="Show the part that can be read"]`))
	b.sees("may be too low")
	b.screenshot("overview-partial")
}

// A reader signs in with a token, at one node for all nodes, and signs out. The page of a stranger shows no flows.
func TestSomebodySignsInAndOut(t *testing.T) {
	reader, readerLine := principal.New("reader", principal.Read)
	agent, agentLine := principal.New("agent", principal.Write)
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte(readerLine+"\n"+agentLine+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCluster(t, func(cfg *node.Config) { cfg.TokensFile = file })
	c.token = agent
	c.fill()
	b := newBrowser(t, c)
	b.open("/explore?from=-2h")
	b.sees("Sign in with a token")
	if text := evaluate[string](b, "document.body.textContent"); strings.Contains(text, "storefront") {
		t.Error("a stranger sees flows")
	}
	b.screenshot("explore-unauthorized")
	b.do(chromedp.Click(`//a[text()="Sign in with a token"]`), chromedp.WaitVisible("#token"), chromedp.SendKeys("#token", "fr_wrong"+kb.Enter))
	b.sees("not in the tokens file")
	b.screenshot("sign-in-refused")
	b.do(chromedp.SendKeys("#token", reader+kb.Enter))
	b.reaches("from=-2h")
	b.sees("storefront")
	if cookies := evaluate[string](b, "document.cookie"); cookies != "" {
		t.Errorf("a script reads the cookies %q", cookies)
	}
	b.open("/live")
	b.sees("Newest answer")
	b.do(chromedp.Navigate("http://" + c.nodes[1].Addresses().HTTP + "/cluster"))
	b.sees("All stores are there")
	b.do(chromedp.Click(`//a[text()="Sign out"]`), chromedp.WaitVisible("#token"))
	b.open("/")
	b.sees("Sign in with a token")
}

// The downloads have all rows, and the curl line has those of the page.
func TestRowsAreDownloaded(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	c := startCluster(t)
	c.fill()
	b := newBrowser(t, c)
	b.open("/explore?src_app=store*&rows=1&show=names")
	load := func(form string) string {
		link := "document.querySelector('a[download=\"flows." + form + "\"]').href"
		text := evaluate[string](b, "(() => { const r = new XMLHttpRequest(); r.open('GET', "+link+", false); r.send(); return r.responseText })()")
		return text
	}
	if csv := load("csv"); strings.Count(csv, "\n") != 3 || !strings.HasPrefix(csv, "src_app,dest_app,vpc_id,bytes_tx,bytes_rx") {
		t.Errorf("the CSV file is\n%s", csv)
	}
	if text := load("json"); strings.Count(text, `"storefront"`) != 2 {
		t.Errorf("the JSON file is\n%s", text)
	}
	line := evaluate[string](b, "document.querySelector('pre').textContent")
	out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(line, "curl ", curl+" -s ", 1)).Output()
	if err != nil || strings.Count(string(out), `"storefront"`) != 1 {
		t.Errorf("%s = %s, %v; want one row", line, out, err)
	}
}

// Local times are those of the browser, in texts and in charts. Kolkata is half an hour off the hours of UTC.
func TestTimesAreInTheZoneOfTheReader(t *testing.T) {
	c := startCluster(t)
	c.fill()
	b := newBrowser(t, c)
	b.do(emulation.SetTimezoneOverride("Asia/Kolkata"))
	for path, texts := range map[string]string{
		"/?":        "[...document.querySelectorAll('time, .cell title')].map(e => e.textContent).concat([...document.querySelectorAll('svg a[aria-label]')].map(e => e.ariaLabel))",
		"/explore?": "[...document.querySelectorAll('svg [data-time]')].map(e => e.textContent)",
	} {
		for zone, minutes := range map[string]string{"": ":00", "local": ":30"} {
			b.open(path + "tz=" + zone)
			all := evaluate[[]string](b, texts)
			if len(all) == 0 {
				t.Errorf("%s shows no times", path)
			}
			for _, text := range all {
				if !strings.Contains(text, minutes) {
					t.Errorf("%s with tz=%q shows the time %q, want %s", path, zone, text, minutes)
				}
			}
		}
	}
}

func TestEmptyAndFullRanges(t *testing.T) {
	c := startCluster(t)
	b := newBrowser(t, c)
	b.open("/")
	b.sees("Send the first records")
	b.screenshot("overview-empty")
	const flows, each = 200_000, 10_000
	for begin := 0; begin < flows; begin += each {
		records := make([]flow.Record, 0, each)
		for i := begin; i < begin+each; i++ {
			records = append(records, record(now(), fmt.Sprint("app-", i), strings.Repeat("x", 250)+fmt.Sprint(i%1000), int64(i)))
		}
		c.post(records...)
	}
	c.post(record(now(), "nearly everything", "sink", 1e15))
	for _, path := range []string{"/", "/explore?from=now", "/explore?from=now&show=names&rows=10000", "/live"} {
		b.open(path)
		b.fits(path)
	}
	b.open("/")
	b.sees("nearly everything")
	b.screenshot("overview-full")
	b.open("/explore?from=now&show=names&group=src_app")
	b.do(chromedp.Click(`//a[text()="Next page"]`))
	b.sees("First page")
	b.open("/explore?from=now&src_app=nobody")
	b.sees("No flows match")
	b.screenshot("explore-empty")
}

// axe-core finds no violation on any page, in light and dark, and on a narrow screen.
func TestPagesAreAccessible(t *testing.T) {
	script := axe(t)
	c := startCluster(t)
	c.fill()
	b := newBrowser(t, c)
	states := []string{"/sign-in", "/?from=yesterday", "/?from=-1000h&to=-900h", "/explore?src_app=nobody", "/explore?show=names&rows=2"}
	for _, path := range slices.AppendSeq(states, maps.Keys(views)) {
		for width, scheme := range map[int64]string{1100: "light", 1000: "dark", 360: "light"} {
			b.do(chromedp.EmulateViewport(width, 900))
			b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
			b.open(path)
			b.do(chromedp.Evaluate("for (const d of document.querySelectorAll('details')) d.open = true", nil))
			for _, v := range b.violations(script) {
				t.Errorf("%s, %s, %d pixels: %s", path, scheme, width, v)
			}
		}
	}
	b.do(chromedp.Evaluate("document.documentElement.removeAttribute('lang')", nil))
	if len(b.violations(script)) == 0 {
		t.Error("axe-core does not notice a page without a language")
	}
}

// violations runs axe-core in the page.
func (b *browser) violations(script string) (all []string) {
	b.t.Helper()
	var found []struct {
		ID, Help string
		Nodes    []struct{ HTML string }
	}
	var text string
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	b.do(chromedp.Evaluate(script, nil), chromedp.Evaluate("axe.run().then(r => JSON.stringify(r.violations))", &text, await))
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range found {
		all = append(all, fmt.Sprintf("%s (%s): %v", v.ID, v.Help, v.Nodes))
	}
	return all
}

// axe returns the script of axe-core from the npm registry.
func axe(t *testing.T) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed, so axe-core is not there")
	}
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", dir, "axe-core@4.14.1")
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install axe-core: %v\n%s", err, out)
	}
	script, err := os.ReadFile(filepath.Join(dir, "node_modules/axe-core/axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}
