package queries

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/node/peer/wire"
)

// A store that has no frame to write for a while sends a sign of life each second, and none after the end.
func TestSignsOfLifeAreSentBetweenFrames(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var sent bytes.Buffer
		out := newFrameWriter(&sent)
		defer out.stop()
		out.write(wire.FrameHead, []byte("head"))
		time.Sleep(3500 * time.Millisecond)
		out.write(wire.FrameGroups, []byte("groups"))
		time.Sleep(900 * time.Millisecond)
		if _, err := out.end(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		got, in := "", bufio.NewReader(&sent)
		for {
			frame, err := wire.ReadFrame(in, 100)
			if err != nil {
				t.Fatal(err)
			}
			if frame == nil {
				break
			}
			got += fmt.Sprintf(" %s", frame)
		}
		if want := " hhead a a a ggroups"; got != want || in.Buffered() > 0 {
			t.Errorf("frames are %q, and %d bytes behind the end, want %q", got, in.Buffered(), want)
		}
	})
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestAFailedFrameIsTheEnd(t *testing.T) {
	out := newFrameWriter(brokenWriter{})
	defer out.stop()
	out.write(wire.FrameGroups, nil)
	if _, err := out.end(); !errors.Is(err, errBroken) || !errors.Is(out.failure(), errBroken) {
		t.Errorf("end = %v, failure = %v, want %v", err, out.failure(), errBroken)
	}
}
