//go:build !race

package router

// P16 under load: each flood comes from one address over each protocol of the public port, in virtual time, while a client
// of another address goes on.

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flowring/router/admission"
)

// flooders is the number of connections of a flood. It is more than the port takes.
const flooders = 60

// flood is a load of one address.
type flood struct {
	name   string
	attack func(ctx context.Context, p *tlsPort, c *http.Client) // makes one attempt, and returns when the node has ended it
}

func floods(t *testing.T) []flood {
	t.Helper()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(bytes.Repeat([]byte(" "), 8<<20))
	z.Close()
	return []flood{
		{"connections", func(ctx context.Context, p *tlsPort, _ *http.Client) { hold(ctx, p, "") }},
		{"slow headers", func(ctx context.Context, p *tlsPort, _ *http.Client) {
			if p.major == 2 {
				hold(ctx, p, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+frame(4, 0, 0, "")+frame(1, 0, 1, "\x82\x84\x87"))
			} else {
				hold(ctx, p, "POST /flows HTTP/1.1\r\nHost: n\r\nX-")
			}
		}},
		{"slow bodies", func(ctx context.Context, p *tlsPort, c *http.Client) {
			if p.major == 2 {
				p.attempt(c, newStalled("["))
			} else {
				hold(ctx, p, "POST /flows HTTP/1.1\r\nHost: n\r\nContent-Length: 100\r\n\r\n[")
			}
		}},
		{"large headers", func(ctx context.Context, p *tlsPort, _ *http.Client) {
			large := strings.Repeat("x", 16<<10-3)
			if p.major == 2 {
				field := frame(9, 0, 1, "\x00\x01x"+"\x7f\xfe\x7d"+large[:16253]) // CONTINUATION, without the end of the headers
				hold(ctx, p, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+frame(4, 0, 0, "")+frame(1, 0, 1, "\x82\x84\x87")+strings.Repeat(field, 16))
			} else {
				hold(ctx, p, "GET /livez HTTP/1.1\r\nHost: n\r\n"+strings.Repeat("X-Large: "+large+"\r\n", 16))
			}
		}},
		{"huge keys", func(ctx context.Context, p *tlsPort, c *http.Client) {
			p.attempt(c, strings.NewReader(smallRecord), "Idempotency-Key", strings.Repeat("k", 32<<10))
		}},
		{"bombs", func(ctx context.Context, p *tlsPort, c *http.Client) {
			p.attempt(c, bytes.NewReader(bomb.Bytes()), "Content-Encoding", "gzip")
		}},
		{"deep nesting", func(ctx context.Context, p *tlsPort, c *http.Client) {
			p.attempt(c, strings.NewReader(strings.Repeat("[", 64<<10)))
		}},
		{"garbage", func(ctx context.Context, p *tlsPort, _ *http.Client) {
			hold(ctx, p, strings.Repeat("\x00\xff garbage", 1000))
		}},
	}
}

// hold sends a text on a connection, and then its first byte each second until ctx ends. It returns once the node has
// closed the connection.
func hold(ctx context.Context, p *tlsPort, text string) {
	conn, err := p.net.Host("10.0.0.2").DialContext(ctx, "tcp", "10.0.0.1:8443")
	if err != nil {
		return
	}
	if text != "" {
		conn = p.secured(conn)
	}
	defer conn.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(io.Discard, conn)
	}()
	for {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
		text = text[:min(len(text), 1)]
		select {
		case <-ended:
			return
		case <-ctx.Done():
			<-ended
			return
		case <-time.After(time.Second):
		}
	}
}

// attempt sends a POST and reads the answer.
func (p *tlsPort) attempt(c *http.Client, body io.Reader, headers ...string) {
	req, err := http.NewRequest(http.MethodPost, p.url("/flows"), body)
	if err != nil {
		p.t.Error(err)
		return
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	if resp.StatusCode == http.StatusOK {
		p.t.Errorf("a request of a flood is stored")
	}
}

// P12, P16: while one address floods the port, a client of another address stores its records without a refusal. The
// connections and the bytes of bodies stay within their limits, and nothing is left of the flood.
func TestFloodsOfThePublicPort(t *testing.T) {
	for _, proto := range []protocol{plainHTTP1, tlsHTTP1, tlsHTTP2} {
		for _, fl := range floods(t) {
			t.Run(proto.name+"/"+fl.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { survive(t, proto, fl) })
			})
		}
	}
}

func survive(t *testing.T, proto protocol, fl flood) {
	const maxConns, maxBuffered = 50, 64 * admission.MinCharge
	f := newFake()
	h, reg := handlerFor(Config{MaxBody: 1 << 20, MaxBuffered: maxBuffered, MaxPosts: 100, MaxActive: 4, BodyTimeout: 5 * time.Second}, f)
	p := openPort(t, proto, h, maxConns)
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	var attackers sync.WaitGroup
	attacker := p.client("10.0.0.2")
	for range flooders {
		attackers.Go(func() {
			for ctx.Err() == nil {
				fl.attack(ctx, p, attacker)
				time.Sleep(2 * time.Second)
			}
		})
	}
	good := p.client("10.0.0.3")
	for i := range 10 {
		time.Sleep(500 * time.Millisecond)
		begun := time.Now()
		resp, body := p.do(good, http.MethodPost, "/flows", strings.NewReader(smallRecord), "Idempotency-Key", fmt.Sprint(i))
		if took := time.Since(begun); resp.StatusCode != http.StatusOK || took > 2*time.Second {
			t.Errorf("POST %d of another address = %d %s after %v, want 200 within 2 s", i, resp.StatusCode, body, took)
		}
		if open, _ := p.server.Connections(); open > maxConns {
			t.Errorf("%d connections are open, want %d at most", open, maxConns)
		}
		if bytes := metricValue(t, reg, "flowring_http_buffered_bytes", nil); bytes > maxBuffered {
			t.Errorf("bodies have %v bytes, want %d at most", bytes, maxBuffered)
		}
	}
	<-ctx.Done()
	attackers.Wait()
	attacker.CloseIdleConnections()
	good.CloseIdleConnections()
	time.Sleep(3 * time.Minute) // the time for headers of HTTP/2
	synctest.Wait()
	open, refused := p.server.Connections()
	if fl.name == "connections" && refused == 0 {
		t.Errorf("of %d connections of one address none is refused, with a limit of %d", flooders, maxConns)
	}
	if bytes := metricValue(t, reg, "flowring_http_buffered_bytes", nil); open != 0 || bytes != 0 || f.applied() != 10 {
		t.Errorf("after the flood: %d connections, %v bytes, %d requests stored; want 0, 0, 10", open, bytes, f.applied())
	}
}
