package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

// serve runs an HTTP server on b, which echoes bodies, and returns a client on a.
func serve(t *testing.T, h twoHosts) (*http.Server, *http.Client) {
	t.Helper()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	})}
	l := listen(t, h.b, addrB+":80")
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(l)
	}()
	transport := &http.Transport{DialContext: h.a.DialContext}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-served
	})
	return server, &http.Client{Transport: transport}
}

func post(ctx context.Context, c *http.Client, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addrB+"/", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	answer, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	return string(data), err
}

func wantEcho(t *testing.T, c *http.Client, body string) {
	t.Helper()
	if got, err := post(t.Context(), c, body); got != body || err != nil {
		t.Fatalf("POST of %d bytes = %d bytes, %v, want them back", len(body), len(got), err)
	}
}

func TestHTTPKeepsConnectionsAlive(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{Latency: time.Millisecond})
		server, client := serve(t, h)
		for _, body := range []string{"one", "two", strings.Repeat("large", 1<<20)} {
			wantEcho(t, client, body)
			synctest.Wait() // until the transport has put the connection back
		}
		if got := h.net.Count(addrA, addrB, 80).Streams; got != 1 {
			t.Errorf("three requests took %d connections, want 1", got)
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown() = %v, want nil", err)
		}
		time.Sleep(time.Millisecond) // until the client has noticed the close
		if _, err := post(t.Context(), client, "late"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("POST after Shutdown = %v, want %v", err, syscall.ECONNREFUSED)
		}
	})
}

func TestHTTPOutsideABubble(t *testing.T) {
	_, client := serve(t, newTwoHosts(memnet.Options{Latency: time.Millisecond}))
	wantEcho(t, client, "one")
	wantEcho(t, client, strings.Repeat("large", 1<<18))
}

func TestHTTPRequestTimesOutOverACutAndWorksAfterTheHeal(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{Latency: time.Millisecond})
		_, client := serve(t, h)
		wantEcho(t, client, "before")
		heal := h.net.Cut(addrB, addrA)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := post(ctx, client, "during"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("POST over a cut = %v, want %v", err, context.DeadlineExceeded)
		}
		if got := time.Since(start); got != 4*time.Second {
			t.Errorf("POST over a cut took %v, want 4s", got)
		}
		heal()
		wantEcho(t, client, "after")
	})
}

func TestAnHTTPServerNoticesTheCrashOfItsClient(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{})
		canceled := make(chan struct{})
		server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done() // by the server's background read
			close(canceled)
		})}
		go server.Serve(listen(t, h.b, addrB+":80"))
		defer server.Close()
		c, err := h.a.DialContext(t.Context(), "tcp", net.JoinHostPort(addrB, "80"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, c, "GET / HTTP/1.1\r\nHost: b\r\n\r\n")
		synctest.Wait()
		h.a.Crash()
		<-canceled
	})
}
