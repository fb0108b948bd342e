package top

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"
)

// The size of a terminal that does not say its own.
const (
	usualWidth  = 80
	usualHeight = 24
)

// Terminal is a terminal in raw mode, which shows a screen of its own.
type Terminal struct {
	Keys cancelreader.CancelReader
	out  *os.File
	in   int
	old  *term.State
}

// ErrNoTerminal is the error of Open for another input or output.
var ErrNoTerminal = errors.New(
	"standard input and output must be a terminal; flowring get --top prints the largest groups once")

// Open prepares the terminal. The caller calls Close.
func Open(in io.Reader, out io.Writer) (*Terminal, error) {
	stdin, isFile := in.(*os.File)
	stdout, alsoFile := out.(*os.File)
	if !isFile || !alsoFile || !term.IsTerminal(int(stdin.Fd())) || !term.IsTerminal(int(stdout.Fd())) {
		return nil, ErrNoTerminal
	}
	keys, err := cancelreader.NewReader(stdin)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	t := &Terminal{Keys: keys, in: int(stdin.Fd()), out: stdout}
	if t.old, err = term.MakeRaw(t.in); err != nil {
		return nil, errors.Join(fmt.Errorf("read keys: %w", err), keys.Close())
	}
	const ownScreen, noCursor = "\x1b[?1049h", "\x1b[?25l"
	_, err = io.WriteString(stdout, ownScreen+noCursor)
	return t, err
}

// Stop ends the read of Keys in progress.
func (t *Terminal) Stop() { t.Keys.Cancel() }

// Size returns the present size.
func (t *Terminal) Size() (width, height int) {
	width, height, err := term.GetSize(int(t.out.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return usualWidth, usualHeight
	}
	return width, height
}

// Close restores the terminal.
func (t *Terminal) Close() error {
	const cursor, shellScreen = "\x1b[?25h", "\x1b[?1049l"
	_, err := io.WriteString(t.out, cursor+shellScreen)
	return errors.Join(err, term.Restore(t.in, t.old), t.Keys.Close())
}
