package memnet_test

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

func TestLatencyIsExact(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{Latency: 30 * time.Millisecond})
		h.net.SetLatency(addrB, addrA, 5*time.Millisecond)
		start := time.Now()
		took := func(what string, want time.Duration) {
			t.Helper()
			if got := time.Since(start); got != want {
				t.Errorf("%s took %v, want %v", what, got, want)
			}
			start = time.Now()
		}
		client, server := h.connect(t, "80")
		took("a dial there and back", 35*time.Millisecond)
		write(t, client, "ping")
		took("a write", 0)
		read(t, server, "ping")
		took("the way there", 30*time.Millisecond)
		write(t, server, "pong")
		read(t, client, "pong")
		took("the way back", 5*time.Millisecond)
		server.Close()
		wantReadError(t, client, io.EOF)
		took("the end of the stream", 5*time.Millisecond)
		if _, err := h.a.DialContext(t.Context(), "tcp", addrB+":80"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("DialContext() = %v, want %v", err, syscall.ECONNREFUSED)
		}
		took("a refusal", 35*time.Millisecond)
	})
}

func TestAFasterLinkDoesNotOvertakeBytesInFlight(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{Latency: time.Second})
		client, server := h.connect(t, "80")
		write(t, client, "first")
		h.net.SetLatency(addrA, addrB, 0)
		write(t, client, "second")
		client.Close()
		write(t, server, "the end of the stream has not arrived either")
		read(t, server, "firstsecond")
		wantWriteError(t, server, syscall.EPIPE)
	})
}

func TestCutHoldsBytesBackUntilItHeals(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{Latency: 10 * time.Millisecond})
		client, server := h.connect(t, "80")
		write(t, client, "before")
		heal := h.net.Cut(addrA, addrB)
		write(t, client, "during")
		read(t, server, "before")
		server.SetReadDeadline(time.Now().Add(time.Hour))
		wantReadError(t, server, os.ErrDeadlineExceeded)
		server.SetReadDeadline(time.Time{})

		write(t, server, "the other way is open")
		read(t, client, "the other way is open")

		start := time.Now()
		heal()
		read(t, server, "during")
		if got, want := time.Since(start), 10*time.Millisecond; got != want {
			t.Errorf("held bytes arrived %v after the heal, want %v", got, want)
		}
	})
}

func TestCutHoldsTheEndOfAStreamBack(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(h twoHosts, client io.Closer)
		want error
	}{
		"a close": {func(_ twoHosts, client io.Closer) { client.Close() }, io.EOF},
		"a crash": {func(h twoHosts, _ io.Closer) { h.a.Crash() }, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				h := newTwoHosts(memnet.Options{})
				client, server := h.connect(t, "80")
				h.net.Cut(addrA, addrB)
				test.end(h, client)
				server.SetReadDeadline(time.Now().Add(time.Hour))
				wantReadError(t, server, os.ErrDeadlineExceeded)
				server.SetReadDeadline(time.Time{})
				h.net.Heal(addrA, addrB)
				wantReadError(t, server, test.want)
			})
		})
	}
}

func TestDialWaitsForTheHealOfEitherDirection(t *testing.T) {
	for name, direction := range map[string][2]string{
		"the way there": {addrA, addrB},
		"the way back":  {addrB, addrA},
	} {
		t.Run(name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				h := newTwoHosts(memnet.Options{})
				listen(t, h.b, addrB+":80")
				heal := h.net.Cut(direction[0], direction[1])
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if _, err := h.a.DialContext(ctx, "tcp", addrB+":80"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("DialContext() over a cut = %v, want %v", err, context.DeadlineExceeded)
				}
				start := time.Now()
				time.AfterFunc(time.Hour, heal)
				c, err := h.a.DialContext(t.Context(), "tcp", addrB+":80")
				if err != nil {
					t.Fatalf("DialContext() until the heal = %v, want nil", err)
				}
				c.Close()
				if got := time.Since(start); got != time.Hour {
					t.Errorf("DialContext() took %v, want %v", got, time.Hour)
				}
			})
		})
	}
}

// TestACutStopsTheTrafficThatItNames sends a byte in each direction of a stream, and a packet, between a and b.
func TestACutStopsTheTrafficThatItNames(t *testing.T) {
	type passes struct{ request, answer, packet, dial bool }
	for name, test := range map[string]struct {
		only []memnet.Traffic
		want passes
	}{
		"everything":                  {nil, passes{}},
		"everything on the port":      {[]memnet.Traffic{{Port: 80}}, passes{}},
		"everything on another port":  {[]memnet.Traffic{{Port: 81}}, passes{true, true, true, true}},
		"packets":                     {[]memnet.Traffic{{Kind: memnet.Packets}}, passes{true, true, false, true}},
		"streams":                     {[]memnet.Traffic{{Kind: memnet.Streams}}, passes{false, false, true, false}},
		"requests":                    {[]memnet.Traffic{{Kind: memnet.Requests}}, passes{false, true, true, true}},
		"answers":                     {[]memnet.Traffic{{Kind: memnet.Answers, Port: 80}}, passes{true, false, true, true}},
		"packets, and on other ports": {[]memnet.Traffic{{Kind: memnet.Packets}, {Port: 81}}, passes{true, true, false, true}},
	} {
		t.Run(name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				h := newTwoHosts(memnet.Options{})
				client, server := h.connect(t, "80")
				packets := listenPacket(t, h.b, addrB+":80")
				h.net.Partition([]string{addrA}, []string{addrB}, test.only...)

				var got passes
				got.request = passesByte(t, client, server)
				got.answer = passesByte(t, server, client)
				sendPacket(t, listenPacket(t, h.a, ":0"), addrB+":80", "x")
				packets.SetReadDeadline(time.Now().Add(time.Second))
				_, _, err := packets.ReadFrom(make([]byte, 8))
				got.packet = err == nil
				got.dial = dials(t, h)
				if got != test.want {
					t.Errorf("what passes = %+v, want %+v", got, test.want)
				}
			})
		})
	}
}

func passesByte(t *testing.T, from io.Writer, to interface {
	io.Reader
	SetReadDeadline(time.Time) error
}) bool {
	t.Helper()
	if _, err := from.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	to.SetReadDeadline(time.Now().Add(time.Second))
	_, err := to.Read(make([]byte, 1))
	return err == nil
}

func dials(t *testing.T, h twoHosts) bool {
	t.Helper()
	listen(t, h.b, addrB+":80")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c, err := h.a.DialContext(ctx, "tcp", addrB+":80")
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func TestEachCutNeedsItsHeal(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{})
		client, server := h.connect(t, "80")
		healPort := h.net.Cut(addrA, addrB, memnet.Traffic{Port: 80})
		healAll := h.net.Partition([]string{addrA}, []string{addrB})
		healAll()
		healAll() // a second call does nothing
		if passesByte(t, client, server) {
			t.Error("a byte passed a cut that was not healed")
		}
		healPort()
		if !passesByte(t, client, server) {
			t.Error("no byte passed after both heals")
		}
		h.net.Cut(addrA, addrB)
		h.net.HealAll()
		if !passesByte(t, client, server) {
			t.Error("no byte passed after HealAll")
		}
	})
}

// TestLostAnswer is the recipe of Answers: the request takes effect, the answer is lost, the client sees a broken
// connection.
func TestLostAnswer(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{Latency: time.Millisecond})
		h.net.Cut(addrB, addrA, memnet.Traffic{Kind: memnet.Answers, Port: 80})
		client, server := h.connect(t, "80")
		write(t, client, "request")
		read(t, server, "request")
		write(t, server, "answer")
		time.Sleep(time.Second)
		h.net.Reset(addrA, addrB, 80)
		h.net.HealAll()
		wantReadError(t, client, syscall.ECONNRESET)
		wantWriteError(t, server, syscall.ECONNRESET)
	})
}

func TestResetLeavesOtherPortsAlone(t *testing.T) {
	h := newTwoHosts(memnet.Options{})
	client, server := h.connect(t, "80")
	other, otherServer := h.connect(t, "81")
	h.net.Reset(addrB, addrA, 80)
	wantReadError(t, client, syscall.ECONNRESET)
	wantReadError(t, server, syscall.ECONNRESET)
	write(t, other, "untouched")
	read(t, otherServer, "untouched")
}

func TestCountTellsDirectionsAndPortsApart(t *testing.T) {
	h := newTwoHosts(memnet.Options{})
	client, server := h.connect(t, "80")
	write(t, client, "12345")
	write(t, server, "123")
	other, _ := h.connect(t, "81")
	write(t, other, "1")
	sendPacket(t, listenPacket(t, h.a, ":0"), addrB+":80", "1234567")
	for _, test := range []struct {
		from, to string
		port     int
		want     memnet.Count
	}{
		{addrA, addrB, 80, memnet.Count{Streams: 1, StreamBytes: 5, Packets: 1, PacketBytes: 7, Dropped: 1}},
		{addrA, addrB, 81, memnet.Count{Streams: 1, StreamBytes: 1}},
		{addrA, addrB, 0, memnet.Count{Streams: 2, StreamBytes: 6, Packets: 1, PacketBytes: 7, Dropped: 1}},
		{addrB, addrA, 80, memnet.Count{StreamBytes: 3}},
	} {
		if got := h.net.Count(test.from, test.to, test.port); got != test.want {
			t.Errorf("Count(%s, %s, %d) = %+v, want %+v", test.from, test.to, test.port, got, test.want)
		}
	}
}

func TestWaitingIsDurablyBlocking(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{})
		client, _ := h.connect(t, "80")
		l, p := listen(t, h.a, ":0"), listenPacket(t, h.a, ":0")
		for _, wait := range []func(){
			func() { client.Read(make([]byte, 1)) },
			func() { client.Write(make([]byte, 2*capacity)) },
			func() { client.Write(make([]byte, 2*capacity)) },
			func() { l.Accept() },
			func() { p.ReadFrom(make([]byte, 1)) },
		} {
			go wait()
		}
		synctest.Wait() // returns only when all of them are durably blocked
	})
}
