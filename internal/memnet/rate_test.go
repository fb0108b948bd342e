package memnet

import (
	"io"
	"testing"
	"time"

	"flowring/internal/racetest"
)

func TestBytesOfAStreamArriveAtTheRateOfTheLink(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		n := New(Options{Latency: time.Second})
		n.SetRate("10.0.0.1", "10.0.0.2", 1000)
		l, err := n.Host("10.0.0.2").Listen(t.Context(), "tcp", "10.0.0.2:1")
		if err != nil {
			t.Fatal(err)
		}
		near, err := n.Host("10.0.0.1").DialContext(t.Context(), "tcp", "10.0.0.2:1")
		if err != nil {
			t.Fatal(err)
		}
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		for range 10 {
			near.Write(make([]byte, 500))
		}
		near.Close()
		if got, err := io.Copy(io.Discard, far); got != 5000 || err != nil || time.Since(begun) != 6*time.Second {
			t.Errorf("%d bytes, %v, after %v, want 5000 after 6 s", got, err, time.Since(begun))
		}
		far.Close()
		l.Close()
	})
}
