package settings

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"flowring/node"
)

// samples has a text for each setting that differs from its default.
func samples() map[string]string {
	return map[string]string{
		"name": "n7", "http-addr": ":1", "peer-addr": "[::1]:2", "gossip-addr": "n7:3", "advertise-host": "n7.example",
		"data-dir": "/data", "max-body": "1MiB", "seal-after": "1m30s", "scrub-period": "3d", "backup-dir": "/backups", "min-free": "5", "memory-limit": "512MiB", "max-long-answers": "7", "join": "n1:7946,n2:7946", "bootstrap-expect": "3", "cluster": "west",
		"gossip-keys-file": "keys", "gossip-verify": "send", "peer-tls-cert": "cert", "peer-tls-key": "key", "peer-tls-ca": "ca",
		"peer-tls-any-name": "true", "peer-tls-mode": "permissive",
		"max-peer-connections": "40", "max-peer-buffered": "300MiB", "max-gossip-connections": "8", "replication-factor": "3", "write-quorum": "2", "hour-slices": "4",
		"max-buffered": "100MiB", "max-posts": "100", "max-wait": "500ms", "max-reads": "100", "body-timeout": "1m",
		"max-queries": "9", "max-viewers": "7", "max-stream-rows": "8", "max-hours-per-query": "30", "max-groups-per-query": "40", "query-timeout": "12s",
		"max-flows-per-hour": "1000", "max-names-per-hour": "100", "max-hours": "10", "max-hours-per-request": "20", "any-hour": "true", "hours": "unix", "max-future": "12h", "retention": "90d", "remembered-keys": "70", "rename-cluster": "true", "rejoin": "true",
		"trusted-origin": "https://a.example,http://localhost:3000", "read-origin": "https://b.example", "allowed-host": "c.example,10.0.0.7",
		"tokens-file": "tokens", "insecure": "true", "tls-cert": "cert", "tls-key": "key", "tls-client-ca": "ca", "max-connections": "30", "auth": "permissive", "metrics-open": "true",
		"names-file": "names.csv", "observed": "10.1.0.0/16,fd00::/8", "presets": "a.yaml,b.yaml", "max-names-rows": "90", "max-ingest-parts": "80", "max-otlp-points": "70", "max-otlp-attributes": "60", "max-erased-ranges": "50",
		"debug-addr": "127.0.0.1:6060", "log-level": "debug", "log-format": "json",
	}
}

// loaded loads a command line, an environment and the text of a settings file ("": none).
func loaded(t *testing.T, args, environ []string, file string) (Settings, []string, error) {
	t.Helper()
	if file != "" {
		path := filepath.Join(t.TempDir(), "flowring.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append([]string{"--config", path}, args...)
	}
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	AddFlags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(fs, environ)
}

// Without a name in any source the name is a default, which the name of the data folder overrides.
func TestTheNameOfTheHostIsADefault(t *testing.T) {
	for _, args := range [][]string{nil, {"--name", "n1"}} {
		got, _, err := loaded(t, args, nil, "")
		if want := args == nil; err != nil || got.NameIsDefault != want || got.Name == "" {
			t.Errorf("with %q the name %q is a default: %t, %v, want %t", args, got.Name, got.NameIsDefault, err, want)
		}
	}
}

func TestEveryFieldOfTheNodeHasASettingOfTheSameName(t *testing.T) {
	s := Default()
	for name, text := range samples() {
		setting, ok := lookup(name)
		if !ok {
			t.Fatalf("%s is not in the table", name)
		}
		if err := setting.value(&s).Set(text); err != nil {
			t.Errorf("Set(%s, %q) = %v, want nil", name, text, err)
		}
	}
	got, unset := reflect.ValueOf(s.Config), reflect.ValueOf(node.Default(""))
	word := regexp.MustCompile(`[A-Z]+[a-z]*`)
	for i := range got.NumField() {
		field := got.Type().Field(i).Name
		if reflect.DeepEqual(got.Field(i).Interface(), unset.Field(i).Interface()) {
			t.Errorf("node.Config.%s cannot be set", field)
		}
		name := strings.ToLower(strings.Join(word.FindAllString(strings.NewReplacer("HTTP", "Http", "TLS", "Tls", "CA", "Ca").Replace(field), -1), "-"))
		if _, ok := lookup(name); !ok {
			t.Errorf("node.Config.%s is not set by --%s", field, name)
		}
	}
}

func TestEverySettingSetsItsOwnField(t *testing.T) {
	for _, s := range all() {
		if s.name == "config" {
			continue
		}
		before, after := Default(), Default()
		if err := s.value(&after).Set(samples()[s.name]); err != nil {
			t.Errorf("Set(%s, %q) = %v, want nil", s.name, samples()[s.name], err)
		}
		if n := differences(before, after); n != 1 {
			t.Errorf("%s changes %d fields, want 1", s.name, n)
		}
	}
}

// differences returns the number of settings that differ between a and b.
func differences(a, b Settings) int {
	n := 0
	for _, s := range all() {
		if s.value(&a).String() != s.value(&b).String() {
			n++
		}
	}
	return n
}

func TestValuesReadWhatTheyWrite(t *testing.T) {
	for _, s := range all() {
		for _, text := range []string{samples()[s.name], s.value(new(Default())).String()} {
			var set Settings
			v := s.value(&set)
			if err := v.Set(text); err != nil && text != "" {
				t.Errorf("%s: Set(%q) = %v, want nil", s.name, text, err)
			} else if err == nil && v.String() != text {
				t.Errorf("%s: String() after Set(%q) = %q", s.name, text, v.String())
			}
		}
	}
}

func TestPrecedenceHoldsForEverySetting(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all() {
		if s.name == "config" {
			continue
		}
		sample, other := samples()[s.name], othersample(s.name)
		initial := s.value(new(Default())).String()
		if s.name == "name" {
			initial = host
		}
		flag, env := []string{"--" + s.name, sample}, []string{s.env() + "=" + sample}
		otherEnv, otherFile := []string{s.env() + "=" + other}, s.name+": '"+other+"'"
		for _, test := range []struct {
			name          string
			args, environ []string
			file          string
			want          string
		}{
			{"the default without any source", nil, nil, "", initial},
			{"the default if the variable is empty", nil, []string{s.env() + "="}, "", initial},
			{"the file alone", nil, nil, otherFile, other},
			{"the environment over the file", nil, env, otherFile, sample},
			{"the flag over the file", flag, nil, otherFile, sample},
			{"the flag over the environment and the file", flag, otherEnv, otherFile, sample},
		} {
			got, _, err := loaded(t, test.args, test.environ, test.file)
			if err != nil {
				t.Errorf("%s: %s: %v", s.name, test.name, err)
			} else if text := s.value(&got).String(); text != test.want {
				t.Errorf("%s: %s: got %q, want %q", s.name, test.name, text, test.want)
			}
		}
	}
}

// othersample returns another valid text than the sample.
func othersample(name string) string {
	switch name {
	case "min-free":
		return "20"
	case "seal-after", "scrub-period", "body-timeout", "max-wait", "query-timeout", "max-future", "retention":
		return "1h30m"
	case "memory-limit", "max-buffered", "max-peer-buffered":
		return "1GiB"
	case "max-body":
		return "2MiB"
	case "trusted-origin", "read-origin":
		return "https://other.example:9"
	case "allowed-host":
		return "other"
	case "hours":
		return "any"
	case "gossip-verify":
		return "accept"
	case "auth":
		return "required"
	case "observed":
		return "192.0.2.0/24"
	case "debug-addr":
		return "[::1]:9"
	case "log-level":
		return "error"
	case "log-format":
		return "text"
	case "peer-tls-mode":
		return "required"
	case "any-hour", "rename-cluster", "rejoin", "metrics-open", "insecure", "peer-tls-any-name":
		return "false"
	case "replication-factor", "write-quorum", "hour-slices", "bootstrap-expect", "max-flows-per-hour", "max-names-per-hour",
		"max-hours", "max-hours-per-request", "remembered-keys", "max-posts", "max-reads", "max-connections", "max-peer-connections", "max-gossip-connections", "max-long-answers", "max-queries", "max-viewers", "max-stream-rows", "max-hours-per-query", "max-groups-per-query", "max-names-rows", "max-ingest-parts", "max-otlp-points", "max-otlp-attributes", "max-erased-ranges":
		return "5"
	}
	return "other:9"
}

func TestAnEarlierNameOfASettingStaysValid(t *testing.T) {
	for _, test := range []struct {
		name          string
		args, environ []string
		file          string
	}{
		{"a flag", []string{"--gossip-key-file", "keys"}, nil, ""},
		{"a variable", nil, []string{"FLOWRING_GOSSIP_KEY_FILE=keys"}, ""},
		{"the file", nil, nil, "gossip-key-file: keys"},
	} {
		got, unknown, err := loaded(t, test.args, test.environ, test.file)
		if err != nil || got.GossipKeysFile != "keys" || len(unknown) > 0 {
			t.Errorf("%s: the file of the keys is %q, unknown %q, %v, want keys", test.name, got.GossipKeysFile, unknown, err)
		}
	}
}

func TestListsAreRepeatedSeparatedByCommasOrLists(t *testing.T) {
	want := []string{"n1:1", "n2:2", "n3:3"}
	for _, test := range []struct {
		name          string
		args, environ []string
		file          string
	}{
		{"a flag, repeated", []string{"--join", "n1:1", "--join", "n2:2", "--join=n3:3"}, nil, ""},
		{"a flag with commas", []string{"--join", "n1:1,n2:2", "--join", "n3:3"}, nil, ""},
		{"the environment, with spaces and a last comma", nil, []string{"FLOWRING_JOIN= n1:1, n2:2 ,n3:3,"}, ""},
		{"a list in the file", nil, nil, "join: [n1:1, 'n2:2', \"n3:3\"]"},
		{"a block list in the file", nil, nil, "join:\n  - n1:1\n  - n2:2\n  - n3:3\n"},
		{"a plain value in the file", nil, nil, "join: n1:1,n2:2,n3:3"},
		{"a flag replaces the list of the file", []string{"--join", "n1:1,n2:2,n3:3"}, nil, "join: [n9:9]"},
	} {
		got, _, err := loaded(t, test.args, test.environ, test.file)
		if err != nil || !reflect.DeepEqual(got.Join, want) {
			t.Errorf("%s: Join = %q, %v, want %q", test.name, got.Join, err, want)
		}
	}
}

// A list of commas alone comes from variables without values. As an empty --join it would found a cluster at once.
func TestAListOfCommasAloneIsRefused(t *testing.T) {
	for _, text := range []string{",", " , ,"} {
		if got, _, err := loaded(t, []string{"--join", text}, nil, ""); err == nil || !strings.Contains(err.Error(), "no host:port") {
			t.Errorf("--join %q: Join = %q, %v, want an error", text, got.Join, err)
		}
	}
	if got, _, err := loaded(t, []string{"--join", ""}, nil, "join: [n9:9]"); err != nil || len(got.Join) > 0 {
		t.Errorf("an empty --join: Join = %q, %v, want none", got.Join, err)
	}
}

func TestTheSettingsTopicIsAFileOfDefaults(t *testing.T) {
	setting := regexp.MustCompile(`(?m)^#([a-z-]+:)`)
	if n := len(setting.FindAllString(Document(), -1)); n != len(all())-1 {
		t.Errorf("the topic shows %d settings, want %d: all but config", n, len(all())-1)
	}
	want, _, err := loaded(t, []string{"--name", "n1"}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"as it is":                   Document(),
		"with all lines uncommented": setting.ReplaceAllString(Document(), "$1"),
	} {
		got, _, err := loaded(t, []string{"--name", "n1"}, nil, file)
		if err != nil || differences(got, want) != 1 { // the path of the file itself
			t.Errorf("the topic %s: %+v, %v, want the defaults", name, got, err)
		}
	}
}

func TestUnknownVariablesAreReportedUnlessKubernetesMadeThem(t *testing.T) {
	environ := []string{
		"PATH=/bin", "FLOWRING_NAME=n1", "FLOWRING_TARGET=http://n1", "FLOWRINGS=1",
		"FLOWRING_SERVICE_HOST=10.0.0.1", "FLOWRING_SERVICE_PORT=80", "FLOWRING_SERVICE_PORT_HTTP=80",
		"FLOWRING_PORT=tcp://10.0.0.1:80", "FLOWRING_PORT_80_TCP=tcp://10.0.0.1:80", "FLOWRING_PORT_80_TCP_PROTO=tcp",
		"FLOWRING_PORT_80_TCP_PORT=80", "FLOWRING_PORT_80_TCP_ADDR=10.0.0.1",
		"FLOWRING_GOSSIP_SERVICE_HOST=10.0.0.2", "FLOWRING_GOSSIP_PORT_7946_UDP_ADDR=10.0.0.2",
		"FLOWRING_REPLICAS=3", "FLOWRING_HTTP_PORTS=8080",
	}
	_, unknown, err := loaded(t, nil, environ, "")
	if want := []string{"FLOWRING_HTTP_PORTS", "FLOWRING_REPLICAS"}; err != nil || !reflect.DeepEqual(unknown, want) {
		t.Errorf("unknown = %q, %v, want %q", unknown, err, want)
	}
	for _, s := range all() {
		if injected(s.env()) {
			t.Errorf("%s could be set by Kubernetes for a Service", s.env())
		}
	}
}

func TestASizeOfZeroIsValidWithoutALowerLimit(t *testing.T) {
	var n int64
	if err := (sizeValue{&n, 0}).Set("0"); err != nil {
		t.Errorf("Set(0) = %v, want nil", err)
	}
	if err := (sizeValue{&n, 1}).Set("0"); err == nil {
		t.Error("Set(0) = nil, want an error")
	}
}

// The flag of a setting that is true or false needs no value.
func TestASwitchIsAFlagAlone(t *testing.T) {
	for _, test := range []struct {
		args []string
		want bool
	}{
		{nil, false},
		{[]string{"--any-hour"}, true},
		{[]string{"--any-hour=true"}, true},
		{[]string{"--any-hour=false"}, false},
		{[]string{"--any-hour", "--max-hours", "7"}, true},
	} {
		if got, _, err := loaded(t, test.args, nil, ""); err != nil || got.AnyHour != test.want {
			t.Errorf("any-hour of %q = %t, %v, want %t", test.args, got.AnyHour, err, test.want)
		}
	}
	if _, _, err := loaded(t, []string{"--any-hour=maybe"}, nil, ""); err == nil {
		t.Error("--any-hour=maybe is taken")
	}
}

func TestAgesAreAlsoInDays(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * day, "48h": 2 * day, "36h": 36 * time.Hour, "0s": 0, "0d": 0} {
		var got time.Duration
		if err := (ageValue{&got}).Set(text); err != nil || got != want {
			t.Errorf("Set(%q) = %v, and the age is %s, want %s", text, err, got, want)
		}
	}
	for _, text := range []string{"d", "-1d", "1.5d", "90", "99999d", "1w", "2x"} {
		if err := (ageValue{new(time.Duration)}).Set(text); err == nil || !strings.Contains(err.Error(), "such as 90d") {
			t.Errorf("Set(%q) = %v, want an error that proposes days", text, err)
		}
	}
}
