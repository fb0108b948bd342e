package log

import (
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A real terminal gets colours, and none with NO_COLOR.
func TestColoursAreForTerminals(t *testing.T) {
	for _, set := range []string{"", "1"} {
		t.Setenv("NO_COLOR", set)
		controller, terminal := openTerminal(t)
		write(New(terminal, "text", slog.LevelInfo))
		buf := make([]byte, 4096)
		n, err := controller.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		line := string(buf[:n])
		if coloured := strings.Contains(line, "\x1b["); coloured != (set == "") || !strings.Contains(line, "INF") {
			t.Errorf("with NO_COLOR=%s the terminal gets %q", set, line)
		}
	}
}

// openTerminal opens a terminal of Linux, and its other side.
func openTerminal(t *testing.T) (controller, terminal *os.File) {
	t.Helper()
	controller, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { controller.Close() })
	if err := unix.IoctlSetPointerInt(int(controller.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	number, err := unix.IoctlGetInt(int(controller.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return controller, terminal
}
