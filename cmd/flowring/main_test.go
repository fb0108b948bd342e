package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// hangs makes the test binary a program that notices the first signal and does not stop.
const hangs = "FLOWRING_TEST_HANGS"

func hang() {
	ctx := untilSignal()
	fmt.Println("running")
	<-ctx.Done()
	fmt.Println("stopping:", context.Cause(ctx))
	select {}
}

func TestASecondSignalEndsTheProgramAtOnce(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), hangs+"=1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for _, want := range []string{"running", "stopping: terminated signal received"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("the program says %q, want %q", lines.Text(), want)
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	// The second signal may have come a moment too early, before the default action was back: then one of these ends
	// it.
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for tries := 0; ; tries++ {
		select {
		case err := <-ended:
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
				t.Errorf("after the second signal: %v, want signal: terminated", err)
			}
			return
		case <-again.C:
			if tries == 100 {
				cmd.Process.Kill()
				t.Fatalf("the program still runs after %d signals: %v", tries, <-ended)
			}
			cmd.Process.Signal(syscall.SIGTERM)
		}
	}
}
