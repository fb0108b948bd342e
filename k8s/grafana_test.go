package k8s_test

import (
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Grafana's own types of dashboards take the files: no field is unknown, missing or of another type.
func TestDashboardsFitTheSchemaOfGrafana(t *testing.T) {
	types := cog.NewRuntime()
	types.RegisterPanelcfgVariant(timeseries.VariantConfig())
	types.RegisterPanelcfgVariant(table.VariantConfig())
	types.RegisterDataqueryVariant(prometheus.VariantConfig())
	for _, file := range []string{"monitoring/nodes.json", "monitoring/flows.json"} {
		text := string(readFile(t, file))
		if fault := schemaFault(text); fault != "" {
			t.Errorf("%s: %s", file, fault)
		}
		for _, wrong := range []string{strings.Replace(text, `"gridPos"`, `"gridPosition"`, 1), strings.Replace(text, `"w": 24`, `"w": "24"`, 1),
			strings.Replace(text, `"sort": "none"`, `"sort": 1`, 1)} {
			if wrong == text || schemaFault(wrong) == "" {
				t.Errorf("%s: a wrong field is not noticed", file)
			}
		}
	}
}

// schemaFault returns the faults of a dashboard; empty: there is none.
func schemaFault(text string) string {
	var d dashboard.Dashboard                                                        //nolint:staticcheck // Grafana reads files of this version of the schema and of later ones
	if err := d.UnmarshalJSONStrict([]byte(text)); err != nil && err.Error() != "" { // an empty list is no nil error
		return err.Error()
	}
	if err := d.Validate(); err != nil {
		return err.Error()
	}
	return ""
}
