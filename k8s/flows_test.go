package k8s_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"flowring/internal/nodetest"
)

// flowPanel is a panel of monitoring/flows.json with its questions to a node.
type flowPanel struct {
	Title   string
	Targets []struct {
		Type, Source, Parser, Format, URL string
		Options                           struct {
			Method string
			Params []struct{ Key, Value string }
		} `json:"url_options"`
		Columns []struct{ Selector, Type string }
	}
}

func flowPanels(t *testing.T) []flowPanel {
	t.Helper()
	var dashboard struct{ Panels []flowPanel }
	if err := json.Unmarshal(readFile(t, "monitoring/flows.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	if len(dashboard.Panels) < 4 {
		t.Fatalf("monitoring/flows.json has %d panels", len(dashboard.Panels))
	}
	return dashboard.Panels
}

// fetch returns the answer to a request.
func fetch(t *testing.T, method, address, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// A node answers each question of the dashboard of flows, with Grafana's variables replaced as Grafana does, and each
// row has the columns of the panel in their types.
func TestANodeAnswersTheDashboardOfFlows(t *testing.T) {
	node := "http://" + nodetest.Start(t, 1)[0].Addresses().HTTP
	now := time.Now().UTC()
	records := fmt.Sprintf(`[{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":2,"hour":%d}]`, now.Unix()/3600-1)
	if status, text := fetch(t, http.MethodPost, node+"/flows", records); status != http.StatusOK {
		t.Fatalf("POST = %d %s", status, text)
	}
	const iso = "2006-01-02T15:04:05.000Z" // of JavaScript's toISOString
	variables := strings.NewReplacer("${target}", node, "${__from:date:iso}", now.Add(-24*time.Hour).Format(iso),
		"${__to:date:iso}", now.Format(iso))
	for _, panel := range flowPanels(t) {
		for _, target := range panel.Targets {
			query := url.Values{}
			for _, p := range target.Options.Params {
				query.Set(p.Key, variables.Replace(p.Value))
			}
			status, text := fetch(t, target.Options.Method, variables.Replace(target.URL)+"?"+query.Encode(), "")
			var rows []map[string]any
			if err := json.Unmarshal([]byte(text), &rows); err != nil || status != http.StatusOK || len(rows) == 0 {
				t.Errorf("the node answers the panel %q with %d %s, want rows", panel.Title, status, text)
				continue
			}
			for _, c := range target.Columns {
				if !fitsColumn(rows[0][c.Selector], c.Type) {
					t.Errorf("the panel %q has the column %s of type %s, the row %v", panel.Title, c.Selector, c.Type, rows[0])
				}
			}
		}
	}
}

// fitsColumn reports whether a value has the type of a column of the Infinity data source.
func fitsColumn(value any, kind string) bool {
	switch value := value.(type) {
	case string:
		_, err := time.Parse(time.RFC3339, value)
		return kind == "string" || kind == "timestamp" && err == nil
	case float64:
		return kind == "number"
	}
	return false
}

// The fields of a question have the values that the Infinity data source documents.
func TestTheDashboardOfFlowsIsForTheInfinityDataSource(t *testing.T) {
	for _, panel := range flowPanels(t) {
		for _, target := range panel.Targets {
			if target.Type != "json" || target.Source != "url" || target.Parser != "backend" ||
				!slices.Contains([]string{"table", "timeseries"}, target.Format) {
				t.Errorf("the panel %q asks with %s, %s, %s, %s", panel.Title, target.Type, target.Source, target.Parser, target.Format)
			}
		}
	}
}
