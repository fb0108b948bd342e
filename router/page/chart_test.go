package page

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/naive"
	"flowring/internal/contract"
)

// The queries of a chart give the sums of a series, and none of them asks for each group at each time.
func TestAChartHasTheSumsOfASeries(t *testing.T) {
	cluster := &fakeCluster{complete: contract.Complete}
	random := rand.New(rand.NewPCG(1, 2))
	name := func() string { return string("ab*\\"[random.IntN(4)]) + strconv.Itoa(random.IntN(3)) }
	for range 2000 {
		r := record(nowHour-flow.Hour(random.IntN(40)), name(), name(), random.Int64N(1000))
		r.VPCID = name()
		cluster.records = append(cluster.records, r)
	}
	h := New(Deps{Cluster: cluster, Now: func() time.Time { return time.Unix(nowHour*3600, 0) }})
	type sums struct{ tx, rx query.Sum }
	byRow := func(rows []query.Row) map[query.Row]sums {
		all := map[query.Row]sums{}
		for _, r := range rows {
			if r.Bytes() != (query.Sum{}) {
				all[query.Row{Key: r.Key, Other: r.Other}] = sums{r.Tx, r.Rx}
			}
		}
		return all
	}
	for _, target := range []string{
		"/explore", "/explore?rows=3", "/explore?show=bytes_tx&group=src_app&from=-100h", "/explore?group=", "/explore?rows=9000",
		"/explore?show=names&src_app=a*&dest_app!=b*", "/explore?app=*1&group=vpc_id&group=dest_app", "/explore?min_bytes=9000",
		"/explore?show=names&rows=1&from=-300h",
	} {
		p := &content{parameters: httptest.NewRequest(http.MethodGet, target, nil).URL.Query(), path: "/explore"}
		fromAPI(p.parameters)
		_, spec, err := h.parse(p.queryParameters())
		if err != nil {
			t.Fatal(err)
		}
		rows, _ := naive.Rows(spec, cluster.records)
		series := seriesOf(spec)
		if spec.Top == 0 {
			rows = nil
		}
		cluster.asked = nil
		got, err := h.series(t.Context(), p, &series, rows)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := naive.Rows(&series, cluster.records)
		if !maps.Equal(byRow(got), byRow(want)) {
			t.Errorf("GET %s: the chart has %d sums, and they are not the %d sums of a series", target, len(got), len(want))
		}
		for _, q := range cluster.asked {
			if q.HasSeries && q.MinBytes == 0 {
				t.Errorf("GET %s asks %+v", target, q)
			}
		}
	}
}
