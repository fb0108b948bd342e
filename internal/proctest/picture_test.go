//go:build linux

package proctest

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var pictures = flag.Bool("pictures", false, "make the pictures of README.md anew; make pictures does it")

// The size of a picture in pixels.
const pictureWidth, pictureHeight = 1000, 800

// takePicture makes a picture of README.md in chromium. The page shows the addresses of README.md.
func (p *readmePlace) takePicture(t *testing.T, e readmeExample) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed; Debian's package chromium has it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	defer stop()
	ctx, cancel := chromedp.NewContext(ctx)
	defer cancel()
	var taken []byte
	rename := `for (const e of document.querySelectorAll("td, pre")) e.textContent.includes("` + p.address + `") &&
		(e.textContent = e.textContent.replaceAll("` + p.address + `", "127.0.0.1"))`
	if err := chromedp.Run(ctx,
		chromedp.EmulateViewport(pictureWidth, pictureHeight), chromedp.Navigate(p.inPlace.Replace(e.page)),
		chromedp.WaitVisible("h1"), chromedp.Evaluate(rename, nil),
		chromedp.ActionFunc(func(ctx context.Context) (err error) {
			shot := page.CaptureScreenshot().WithFormat(page.CaptureScreenshotFormatWebp).WithQuality(85)
			taken, err = shot.WithCaptureBeyondViewport(true).Do(ctx)
			return err
		}),
	); err != nil {
		t.Fatalf("%s: %v", e.page, err)
	}
	file := filepath.Join("../..", e.picture)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, taken, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s has %d bytes", e.picture, len(taken))
}
