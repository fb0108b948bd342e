package proctest

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"flowring/internal/racetest"
)

const (
	envBinary = "FLOWRING_BINARY"
	envLong   = "FLOWRING_LONG"
	envSample = "FLOWRING_SAMPLE"
)

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "4") // these tests mostly wait
	flag.Parse()
	if testing.Short() || os.Getenv(envBinary) != "" {
		m.Run()
		return
	}
	dir, err := os.MkdirTemp("", "flowring-proctest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "folder for the program:", err)
		os.Exit(1)
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "flowring")
	if err := build(binary); err != nil {
		os.RemoveAll(dir)
		fmt.Fprintln(os.Stderr, "build the program:", err)
		os.Exit(1)
	}
	os.Setenv(envBinary, binary)
	m.Run()
}

// The test opens every source file of the program. The go command caches the result of a test until a file that the
// test has opened changes. It does not see the files of a build that the test starts, and would show an old result for
// a changed program.
func TestResultsDependOnTheSourceOfTheProgram(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go"), d.Name() == "go.mod":
			seen++
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil || seen == 0 {
		t.Errorf("%d files seen, %v", seen, err)
	}
}

// build compiles the program: as it ships, or with the race detector if the tests have it (P18).
func build(binary string, flags ...string) error {
	args, env := append([]string{"build", "-o", binary}, flags...), append(os.Environ(), "CGO_ENABLED=0")
	if racetest.Enabled {
		args, env = append(args, "-race"), os.Environ()
	}
	cmd := exec.Command("go", append(args, "flowring/cmd/flowring")...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, os.Stderr, os.Stderr
	return cmd.Run()
}

// long reports whether faults go on for minutes.
func long() bool { return os.Getenv(envLong) == "1" }
