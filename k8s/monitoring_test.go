package k8s_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flowring/internal/nodetest"

	"go.yaml.in/yaml/v3"
)

// alert is a rule of monitoring/alerts.yaml.
type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Annotations map[string]string `yaml:"annotations"`
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(readFile(t, "monitoring/alerts.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 10 {
		t.Fatalf("monitoring/alerts.yaml has %d alerts", len(all))
	}
	return all
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// panelExpressions returns the queries of the dashboard for Prometheus.
func panelExpressions(t *testing.T) (all []string) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(readFile(t, "monitoring/nodes.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	if len(all) < 10 {
		t.Fatalf("monitoring/nodes.json has %d queries", len(all))
	}
	return all
}

// foreignMetrics are the metrics of Prometheus and of the Go process, which docs/operations.md does not list.
var foreignMetrics = []string{"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}

// unknownMetrics returns the metrics of an expression that docs/operations.md does not explain. Another test compares
// docs/operations.md with the metrics of a node, and
// one docs/integrations/netflow.md with those of an agent.
func unknownMetrics(operations, expr string) (unknown []string) {
	for _, m := range regexp.MustCompile(`([a-z_]+)\{`).FindAllStringSubmatch(expr, -1) {
		name := strings.TrimSuffix(m[1], "_bucket")
		if !strings.Contains(operations, "`"+name+"`") && !slices.Contains(foreignMetrics, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func TestMonitoringNamesMetricsThatExist(t *testing.T) {
	operations := string(readFile(t, "../docs/operations.md")) + string(readFile(t, "../docs/integrations/netflow.md"))
	expressions := panelExpressions(t)
	for _, a := range alerts(t) {
		expressions = append(expressions, a.Expr)
	}
	for _, expr := range expressions {
		if unknown := unknownMetrics(operations, expr); len(unknown) > 0 {
			t.Errorf("the query %s names %v, which docs/operations.md does not explain", expr, unknown)
		}
	}
	if unknown := unknownMetrics(operations, `rate(flowring_no_such_metric{job="x"}[5m])`); len(unknown) != 1 {
		t.Errorf("the check finds %v, want flowring_no_such_metric", unknown)
	}
}

// Each alert has a runbook, a test in which it fires, and a test in which it does not.
func TestEachAlertHasARunbookAndTwoTests(t *testing.T) {
	tests := string(readFile(t, "monitoring/alerts.test.yaml"))
	var anchors []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllSubmatch(readFile(t, "../docs/operations.md"), -1) {
		anchor := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(string(m[1])), "")
		anchors = append(anchors, "docs/operations.md#"+strings.ReplaceAll(anchor, " ", "-"))
	}
	for _, a := range alerts(t) {
		if runbook := a.Annotations["runbook"]; !slices.Contains(anchors, runbook) {
			t.Errorf("%s has the runbook %q, which is no section", a.Alert, runbook)
		}
		for _, value := range []string{"1", "0"} {
			pattern := fmt.Sprintf(`alertname="%s"[^\n]*\n[^\n]*\n[^\n]*value: %s}`, a.Alert, value)
			if !regexp.MustCompile(pattern).MatchString(tests) {
				t.Errorf("monitoring/alerts.test.yaml has no test of %s with the value %s", a.Alert, value)
			}
		}
	}
}

// tool returns the path of a program. The test is skipped without it.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed; Debian's package prometheus has it", name)
	}
	return path
}

func TestAlertsFireAsTheirTestsSay(t *testing.T) {
	promtool := tool(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "monitoring/alerts.yaml"}, {"test", "rules", "monitoring/alerts.test.yaml"}} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// rules of the queries of the dashboard, as a file for Prometheus.
func dashboardRules(t *testing.T) string {
	t.Helper()
	variables := strings.NewReplacer("$__rate_interval", "1m", "$job", "flowring", "$instance", ".*")
	rules := "groups:\n- name: dashboard\n  rules:\n"
	for i, expr := range panelExpressions(t) {
		rules += fmt.Sprintf("  - record: dashboard:query%d\n    expr: '%s'\n", i, variables.Replace(expr))
	}
	name := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(name, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A real Prometheus scrapes three nodes 60 times each and evaluates all alerts and all queries of the dashboard. In a
// healthy cluster no alert fires.
func TestPrometheusScrapesThreeNodes(t *testing.T) {
	program := tool(t, "prometheus")
	nodes := nodetest.Start(t, 3)
	dir := t.TempDir()
	alertRules, err := filepath.Abs("monitoring/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("global: {scrape_interval: 250ms, evaluation_interval: 250ms}\nrule_files: [%q, %q]\n"+
		"scrape_configs:\n- job_name: flowring\n  static_configs: [{targets: [%q, %q, %q]}]\n",
		alertRules, dashboardRules(t), nodes[0].Addresses().HTTP, nodes[1].Addresses().HTTP, nodes[2].Addresses().HTTP)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	api := startPrometheus(t, program, dir)
	nodetest.Eventually(t, func() error {
		var scrapes struct{ Data struct{ Result []any } }
		often := url.QueryEscape(`count_over_time(up{job="flowring"}[10m]) >= 60`)
		if err := getJSON(t, api+"/api/v1/query?query="+often, &scrapes); err != nil {
			return err
		}
		if n := len(scrapes.Data.Result); n != len(nodes) {
			return fmt.Errorf("%d nodes were scraped 60 times", n)
		}
		return evaluated(t, api)
	})
	var firing struct{ Data struct{ Result []any } }
	if err := getJSON(t, api+"/api/v1/query?query="+url.QueryEscape(`ALERTS{alertstate="firing"}`), &firing); err != nil || len(firing.Data.Result) > 0 {
		t.Errorf("alerts fire in a healthy cluster: %v, %v", firing.Data.Result, err)
	}
}

// startPrometheus starts Prometheus on a free port of loopback, which it writes to its log.
func startPrometheus(t *testing.T, program, dir string) (api string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "--config.file="+filepath.Join(dir, "prometheus.yaml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		cmd.Wait()
		log.Close()
		if t.Failed() {
			t.Logf("log of prometheus:\n%s", readFile(t, log.Name()))
		}
	})
	nodetest.Eventually(t, func() error {
		m := regexp.MustCompile(`address=(127\.0\.0\.1:[1-9]\d*)`).FindSubmatch(readFile(t, log.Name()))
		if m == nil {
			return fmt.Errorf("prometheus has not said its address")
		}
		api = "http://" + string(m[1])
		return nil
	})
	return api
}

// evaluated returns nil once all nodes were scraped, and each rule was evaluated without an error.
func evaluated(t *testing.T, api string) error {
	var targets struct {
		Data struct {
			ActiveTargets []struct{ Health, LastError string }
		}
	}
	if err := getJSON(t, api+"/api/v1/targets", &targets); err != nil {
		return err
	}
	for _, target := range targets.Data.ActiveTargets {
		if target.Health != "up" {
			return fmt.Errorf("a node is %s: %s", target.Health, target.LastError)
		}
	}
	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := getJSON(t, api+"/api/v1/rules", &rules); err != nil {
		return err
	}
	count := 0
	for _, group := range rules.Data.Groups {
		for _, rule := range group.Rules {
			if count++; rule.Health != "ok" {
				return fmt.Errorf("the rule %s is %s: %s", rule.Name, rule.Health, rule.LastError)
			}
		}
	}
	if want := len(alerts(t)) + len(panelExpressions(t)); count != want || len(targets.Data.ActiveTargets) != 3 {
		return fmt.Errorf("%d rules and %d nodes, want %d and 3", count, len(targets.Data.ActiveTargets), want)
	}
	return nil
}

func getJSON(t *testing.T, url string, v any) error {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}
