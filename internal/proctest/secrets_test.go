//go:build linux

package proctest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"flowring/internal/certtest"
	"flowring/router/principal"
)

// P17: no secret of a cluster is in any output: logs of the level debug in both formats, metrics, refusals, arguments and
// environment of the processes, profiles, pages and the output of commands. Three nodes have tokens, certificates of both
// ports and gossip keys. Clients put their tokens into each part of a request, and all files of credentials become
// unusable, with their secrets in them.
//
// A profile of the heap has stacks and sizes, and no content of the memory.
func TestNoSecretIsInAnyOutput(t *testing.T) {
	s := newSecretCluster(t)
	s.start()
	for _, p := range s.nodes {
		s.askEverything(p)
		s.runCommands(p)
	}
	s.breakFiles()
	for _, p := range s.nodes {
		s.keepProcess(p)
		s.keepProfiles(p)
		s.keepAnswer(p, "metrics", http.MethodGet, "/metrics", s.bearer(s.token), "")
		p.terminate()
		text, err := os.ReadFile(p.log)
		s.keep("log", text, err)
	}
	for output, text := range s.outputs {
		for _, leak := range s.secrets.leaks(text) {
			t.Errorf("the output %q shows the %s", output, leak)
		}
	}
	// The outputs are whole, and the search finds a text of each.
	for output, planted := range map[string]string{
		"log": "audit=true", "metrics": "flowring_files_broken 4", "arguments": "--tokens-file", "environment": "FLOWRING_LOG_FORMAT=",
		"members": `"established"`, "page": "<html", "refusals": "/problems/unauthorized", "commands": "the token is not in the tokens file",
		"profile goroutine?debug=2": "goroutine 1 ", "profile heap": "inuse_space", "profile cmdline": "--tokens-file",
	} {
		if found := (secrets{"planted text": planted}).leaks(s.outputs[output]); len(found) == 0 {
			t.Errorf("the output %q lacks %q", output, planted)
		}
	}
}

// The search finds a secret in each form in which an output could have it (negative control of P17).
func TestPlantedSecretsAreFound(t *testing.T) {
	all := secrets{"token": "a-planted-secret+/=", "key": "another"}
	for _, text := range []string{
		"x a-planted-secret+/= y", "a-planted-secret%2B%2F%3D", "YS1wbGFudGVkLXNlY3JldCsvPQ", hex.EncodeToString([]byte("a-planted-secret+/=")),
		"Basic " + base64.StdEncoding.EncodeToString([]byte("me:a-planted-secret+/=")),
	} {
		if found := all.leaks([]byte(text)); len(found) != 1 || found[0] != "token" {
			t.Errorf("in %q the search finds %q, want the token", text, found)
		}
	}
	if found := all.leaks([]byte("a-planted-secret and anothe")); len(found) != 0 {
		t.Errorf("the search finds %q in a text without secrets", found)
	}
}

// secrets are secrets by name.
type secrets map[string]string

// leaks returns the names of the secrets in an output, in any of their forms.
func (s secrets) leaks(output []byte) (found []string) {
	for name, secret := range s {
		raw := []byte(secret)
		for _, form := range []string{
			secret, url.QueryEscape(secret), hex.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw),
			base64.RawURLEncoding.EncodeToString(raw), base64.StdEncoding.EncodeToString([]byte("me:" + secret)),
		} {
			if bytes.Contains(output, []byte(form)) {
				found = append(found, name)
				break
			}
		}
	}
	return found
}

// secretCluster is a cluster with each kind of credential, and the outputs seen so far.
type secretCluster struct {
	*cluster
	secrets secrets
	outputs map[string][]byte // by kind
	files   []string          // of credentials, of all nodes
	folder  string            // of the client
	token   string            // of operator-7
	guess   string            // a token that no node knows
}

const fileMark = "text-of-an-unusable-file"

func newSecretCluster(t *testing.T) *secretCluster {
	c := newCluster(t, 2, 3)
	operator, line := principal.New("operator-7", principal.Read|principal.Admin)
	writer, writerLine := principal.New("writer-7", principal.Write)
	guess, _ := principal.New("nobody", principal.Read)
	authority := certtest.New(t, "authority")
	client := authority.Issue(certtest.Names{DNS: []string{"client"}})
	gossip := "gossip-key-of-thirty-two-bytes-!"
	s := &secretCluster{cluster: c, outputs: map[string][]byte{}, folder: t.TempDir(), token: operator, guess: guess, secrets: secrets{
		"token": operator, "hash of the token": strings.Fields(line)[2], "token of the writer": writer, "guess of a token": guess,
		"guess in another form": "hunter2-hunter2", "gossip key": gossip, "private key of the client": secondLine(client.Key),
		"content of an unusable file": fileMark,
	}}
	certtest.Write(t, s.folder, "ca.crt", authority.PEM)
	client.Write(t, s.folder)
	for name, secret := range map[string]string{"token": operator, "writer": writer, "guess": guess} {
		certtest.Write(t, s.folder, name, []byte(secret+"\n"))
	}
	for i, p := range c.nodes {
		folder := t.TempDir()
		pair := authority.Issue(certtest.Names{DNS: []string{p.name}, IPs: []string{p.host}})
		s.secrets["private key of "+p.name] = secondLine(pair.Key)
		cert, key := pair.Write(t, folder)
		ca := certtest.Write(t, folder, "ca.crt", authority.PEM)
		tokens := certtest.Write(t, folder, "tokens", []byte(line+"\n"+writerLine+"\n"))
		keys := certtest.Write(t, folder, "gossip.keys", []byte(base64.StdEncoding.EncodeToString([]byte(gossip))+"\n"))
		s.files = append(s.files, tokens, keys, key)
		p.tls = true
		p.env = []string{"FLOWRING_LOG_LEVEL=debug", "FLOWRING_LOG_FORMAT=" + []string{"json", "text", "text"}[i]}
		p.args = append(p.args, "--tokens-file", tokens, "--gossip-keys-file", keys, "--tls-cert", cert, "--tls-key", key,
			"--tls-client-ca", ca, "--peer-tls-cert", cert, "--peer-tls-key", key, "--peer-tls-ca", ca, "--debug-addr", p.host+":6060")
	}
	transport := c.http.Transport.(*http.Transport)
	transport.TLSClientConfig, transport.ForceAttemptHTTP2 = &tls.Config{RootCAs: authority.Pool()}, true
	return s
}

// secondLine returns the first line of the key in a PEM block.
func secondLine(block []byte) string { return strings.Split(string(block), "\n")[1] }

// keep adds to an output.
func (s *secretCluster) keep(output string, text []byte, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Errorf("%s: %v", output, err)
	}
	s.outputs[output] = append(append(s.outputs[output], text...), '\n')
}

func (s *secretCluster) bearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}}
}

// keepAnswer makes a request, keeps its answer with the headers, and returns its status.
func (s *secretCluster) keepAnswer(p *process, output, method, path string, header http.Header, body string) int {
	s.t.Helper()
	return s.keepURL(output, method, p.url()+path, header, body)
}

func (s *secretCluster) keepURL(output, method, target string, header http.Header, body string) (status int) {
	s.t.Helper()
	s.eventually(func() error {
		ctx, cancel := context.WithTimeout(s.t.Context(), askWithin)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
		if err != nil {
			s.t.Fatal(err)
		}
		req.Header = header.Clone()
		res, err := (&http.Client{Transport: s.http.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		if z, err := gzip.NewReader(bytes.NewReader(text)); err == nil { // a profile for go tool pprof
			text, _ = io.ReadAll(z)
		}
		delete(res.Header, "Set-Cookie") // the answer to the form of a token has it, for the sender of the token alone
		s.keep(output, fmt.Appendf(text, "\n%v", res.Header), nil)
		status = res.StatusCode
		return nil
	})
	return status
}

// askEverything puts tokens into each part of a request.
func (s *secretCluster) askEverything(p *process) {
	s.t.Helper()
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for _, tt := range []struct {
		output, method, path string
		header               http.Header
		body                 string
		want                 int
	}{
		{"members", "GET", "/members", s.bearer(s.token), "", 200},
		{"page", "GET", "/cluster", s.cookie(s.token), "", 200},
		{"page", "GET", "/explore?from=" + s.token + "&token=" + s.token, s.cookie(s.token), "", 400},
		{"page", "GET", "/sign-in?back=/explore%3Ftoken=" + s.token, nil, "", 200},
		{"page", "POST", "/sign-in", form, "token=" + s.guess, 401},
		{"page", "POST", "/sign-in", form, "token=" + s.token, 303},
		{"refusals", "POST", "/admin/drain?node=" + s.token, s.bearer(s.token), "", 404},
		{"refusals", "POST", "/admin/drain?node=nobody&_token=hunter2-hunter2", s.bearer(s.token), "", 404},
		{"refusals", "POST", "/flows", s.bearer(s.token), "[]", 403},
	} {
		if got := s.keepAnswer(p, tt.output, tt.method, tt.path, tt.header, tt.body); got != tt.want {
			s.t.Errorf("%s %s at %s = %d, want %d", tt.method, strings.SplitN(tt.path, "?", 2)[0], p, got, tt.want)
		}
	}
	for _, secret := range []string{s.token, s.guess} {
		for _, header := range s.headersWith(secret) {
			for _, request := range [][3]string{
				{"GET", "/flows?hour=" + secret}, {"GET", "/flows?from=-1h&require=" + secret}, {"GET", "/flows?" + secret + "=1"},
				{"GET", "/members?token=" + secret}, {"GET", "/" + secret}, {"GET", "/problems/" + secret}, {"GET", "/page/" + secret},
				{"POST", "/flows?token=" + secret, "[]"}, {"POST", "/flows", `[{"` + secret + `"]`}, {secret, "/flows"},
				{"POST", "/flows", `{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":"` + secret + `","bytes_rx":1,"hour":20}`},
				{"POST", "/flows", secret}, {"GET", "/readyz?for=" + secret}, {"GET", "/flows?hour=20&_token=" + secret},
			} {
				s.keepAnswer(p, "refusals", request[0], request[1], header, request[2])
			}
		}
	}
	s.keepRaw(p)
}

func (s *secretCluster) cookie(token string) http.Header {
	return http.Header{"Cookie": {principal.Cookie + "=" + url.QueryEscape(token)}}
}

// headersWith returns headers with a secret in different places. Some of them are credentials.
func (s *secretCluster) headersWith(secret string) (all []http.Header) {
	all = append(all, s.bearer(secret), s.cookie(secret))
	for _, pair := range [][2]string{
		{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+secret))}, {"Authorization", "Digest " + secret},
		{"Authorization", secret}, {"X-Amz-Firehose-Access-Key", secret}, {"Authorization", "Bearer hunter2-hunter2"},
	} {
		all = append(all, http.Header{pair[0]: {pair[1]}})
	}
	for _, name := range []string{"Content-Type", "Content-Encoding", "Idempotency-Key", "Traceparent", "Accept", "If-None-Match", "Origin", "X-Token"} {
		header := s.bearer(s.token)
		header.Set(name, secret)
		all = append(all, header)
	}
	return all
}

// keepRaw sends texts of HTTP/1.1, of which some are not valid: with and without TLS to the public port, and without a
// certificate to the port of the peers.
func (s *secretCluster) keepRaw(p *process) {
	s.t.Helper()
	plain := func(port string) func() (net.Conn, error) {
		return func() (net.Conn, error) { return net.Dial("tcp", p.host+port) }
	}
	secure := func() (net.Conn, error) {
		return tls.Dial("tcp", p.host+":8080", &tls.Config{RootCAs: s.http.Transport.(*http.Transport).TLSClientConfig.RootCAs})
	}
	for _, dial := range []func() (net.Conn, error){plain(":8080"), plain(":8081"), secure} {
		for _, text := range []string{
			"GET /" + s.token + " HTTP/1.1\r\nHost: n\r\n\r\n", "GET /\x01" + s.token + " HTTP/1.1\r\nHost: n\r\n\r\n", s.token + "\r\n\r\n",
			"GET /flows HTTP/1.1\r\nHost: n\r\n" + s.token + "\r\n\r\n", "GET /flows HTTP/1.1\r\nHost: " + s.token + "\r\n\r\n",
		} {
			conn, err := dial()
			if err != nil {
				s.t.Fatal(err)
			}
			io.WriteString(conn, text)
			conn.(interface{ CloseWrite() error }).CloseWrite()
			answer, _ := io.ReadAll(conn) // the node may reset the connection
			s.keep("refusals", answer, nil)
			conn.Close()
		}
	}
}

// runCommands runs the commands of the program with tokens in each of their places.
func (s *secretCluster) runCommands(p *process) {
	s.t.Helper()
	in := func(name string) string { return filepath.Join(s.folder, name) }
	target := []string{"--target", p.url(), "--ca-file", in("ca.crt")}
	withCert := append([]string{"--cert-file", in("tls.crt"), "--key-file", in("tls.key")}, target...)
	for _, line := range [][]string{
		append([]string{"members", "--token-file", in("token")}, target...),
		append([]string{"hours", "--token-file", in("token")}, target...),
		append([]string{"get", "--hour", "20", "--token-file", in("guess")}, target...),
		append([]string{"get", "--hour", "20", "--header", "Authorization: Bearer " + s.guess}, target...),
		append([]string{"get", "--hour", "20", "--header", "Authorization " + s.guess}, target...),
		append([]string{"members"}, withCert...),
		append([]string{"members", "--cert-file", in("tls.key"), "--key-file", in("tls.crt")}, target...),
		append([]string{"members", "--token-file", in("tls.key")}, target...),
		append([]string{"post", "--token-file", in("token"), in("token")}, target...),
		append([]string{"post", "--token-file", in("writer"), in("token")}, target...),
		append([]string{"drain", "nobody", "--token-file", in("guess")}, target...),
		{"members", "--target", "https://me:" + s.token + "@" + p.host + ":8080", "--ca-file", in("ca.crt")},
		{"members", "--target", "https://me:" + s.token + "@" + p.host + ":8080/?token=" + s.token},
		{"serve", "--tokens-file", in("token")}, {"serve", "--gossip-keys-file", in("token")}, {"serve", "--tls-cert", in("tls.key"), "--tls-key", in("token")},
		{"token", "new", "agent", "--scope", s.token}, {"help", "settings"},
	} {
		cmd := exec.CommandContext(s.t.Context(), os.Getenv(envBinary), line...)
		cmd.Env = append(environment(), "FLOWRING_TOKEN_FILE="+in("guess"), "FLOWRING_DATA_DIR="+in("data"))
		text, err := cmd.CombinedOutput()
		if _, ended := err.(*exec.ExitError); err != nil && !ended {
			s.t.Errorf("flowring %s: %v", line[0], err)
		}
		s.keep("commands", text, nil)
	}
}

// keepProcess keeps the arguments and the environment of a node.
func (s *secretCluster) keepProcess(p *process) {
	s.t.Helper()
	for output, file := range map[string]string{"arguments": "cmdline", "environment": "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file))
		s.keep(output, text, err)
	}
}

// keepProfiles keeps the profiles of a node, and the refusals of its port.
func (s *secretCluster) keepProfiles(p *process) {
	s.t.Helper()
	base := "http://" + p.host + ":6060/debug/pprof/"
	for _, name := range []string{
		"", "cmdline", "heap", "heap?debug=1", "allocs", "goroutine", "goroutine?debug=1", "goroutine?debug=2", "threadcreate", "block", "mutex",
		"profile?seconds=1", "trace?seconds=1",
	} {
		if got := s.keepURL("profile "+name, http.MethodGet, base+name, s.bearer(s.token), ""); got != 200 {
			s.t.Errorf("the profile %q of %s = %d", name, p, got)
		}
	}
	s.keepURL("refusals", http.MethodGet, base+s.token, s.bearer(s.token), "")
}

// breakFiles makes all files of credentials unusable, with secrets in them, and waits until each node has seen it.
func (s *secretCluster) breakFiles() {
	s.t.Helper()
	for _, file := range s.files {
		content, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		broken := append([]byte(fileMark+" hunter2-hunter2 "+s.token+" "), content...)
		if err := os.WriteFile(file, broken, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, p := range s.nodes {
		s.eventually(func() error {
			a, err := s.ask(http.MethodGet, p.url()+"/metrics", s.bearer(s.token), nil)
			if err == nil && !bytes.Contains(a.body, []byte("\nflowring_files_broken 4\n")) {
				err = fmt.Errorf("%s has not seen that its tokens, gossip keys and two certificates are unusable", p)
			}
			return err
		})
	}
}
