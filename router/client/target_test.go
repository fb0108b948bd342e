package client

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"flowring/internal/contract"
)

func TestNoErrorShowsThePasswordOfATarget(t *testing.T) {
	const secret = "geheim"
	for _, target := range []string{
		"http://u:geheim@n1:8080", "https://u:geheim@n1/base", "ftp://u:geheim@n1", "http://n1:8080/?key=geheim",
		"http://u:geheim x@n1", "http://u:geheim#x@n1", "http://u:geheim/x@n1", "http://u:geheim?x@n1", "http://u:12/geheim@n1",
		"http://u:%geheim@n1", "u:geheim@n1:8080", "http://geheim@n1:8080", "http://n1:8080/#geheim",
	} {
		c, err := New(Config{Targets: []string{target}, HTTP: &http.Client{Transport: &cluster{steps: []step{lose, refused}}},
			Watch: func(target string, err error) {
				if strings.Contains(target, secret) {
					t.Errorf("Watch of %q is told the target %q", target, target)
				}
			}})
		if err == nil {
			_, err = c.Post(t.Context(), nil, PostOptions{})
		}
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("target %q: error %v, want one without the password", target, err)
		}
		if strings.Contains(Shown(target), secret) && strings.Contains(target, "http://u:geheim@") {
			t.Errorf("Shown(%q) = %q", target, Shown(target))
		}
	}
}

func TestThePasswordOfATargetIsSent(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "u" || password != "p@ss" {
			t.Errorf("the node is sent the user %q with %q, want u with p@ss", user, password)
		}
		io.WriteString(w, `{"records":1}`)
	}))
	defer server.Close()
	c, err := New(Config{Targets: []string{strings.Replace(server.URL, "//", "//u:p%40ss@", 1)}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Post(t.Context(), []byte(body), PostOptions{}); err != nil {
		t.Error(err)
	}
}

func TestHeadersOfTheConfigAreInEveryRequest(t *testing.T) {
	var hosts []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer t" {
			t.Errorf("%s %s: Authorization %q, want Bearer t", r.Method, r.URL, got)
		}
		hosts = append(hosts, r.Host)
		w.Header().Set("Flowring-Complete", "true")
		io.WriteString(w, `{}`)
	}))
	defer server.Close()
	c, err := New(Config{
		Targets: []string{server.URL},
		Header:  http.Header{"Authorization": {"Bearer t"}, "Host": {"flows.example"}},
		TLS:     server.Client().Transport.(*http.Transport).TLSClientConfig,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, errPost := c.Post(t.Context(), []byte(body), PostOptions{})
	_, errMembers := c.Members(t.Context())
	hour, errGet := c.Get(t.Context(), 1, contract.NeedUnproven)
	if err := errors.Join(errPost, errMembers, errGet); err != nil {
		t.Fatal(err)
	}
	hour.Close()
	if want := []string{"flows.example", "flows.example", "flows.example"}; !reflect.DeepEqual(hosts, want) {
		t.Errorf("hosts of the requests = %q, want %q", hosts, want)
	}
}

func TestWatchObservesEachAttempt(t *testing.T) {
	var told []string
	c, err := New(Config{
		Targets: []string{"http://n1", "http://n2"},
		HTTP:    &http.Client{Transport: &cluster{steps: []step{lose, stored}}},
		Watch: func(target string, err error) {
			if err != nil {
				target += ": " + err.Error()
			}
			told = append(told, target)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Post(t.Context(), []byte(body), PostOptions{}); err != nil {
		t.Fatal(err)
	}
	want := []string{"http://n1", "http://n1: connection reset", "http://n2"}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("Watch is told %q, want %q", told, want)
	}
}
