package bodies

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"flowring/flow"
	"flowring/flow/compact"
	"flowring/internal/bench/server"
	"flowring/internal/bench/workload"
)

// Form is a form of a body.
type Form struct {
	path, media, coding string
	encode              func([]flow.Record) ([]byte, error)
}

// The forms.
var (
	JSON     = Form{"/flows", "application/json", "", func(r []flow.Record) ([]byte, error) { return json.Marshal(r) }}
	Gzip     = Form{"/flows", "application/json", "gzip", zipped}
	Protobuf = Form{"/flows", "application/x-protobuf", "",
		func(r []flow.Record) ([]byte, error) { return compact.Encode(r), nil }}
	OTLP = Form{"/v1/metrics", "application/x-protobuf", "",
		func(r []flow.Record) ([]byte, error) { return metrics(r), nil }}
)

// different is the number of different bodies. A larger number would only cost the client memory.
const different = 64

// Encode returns bodies of records of an hour, whose flows are drawn by Zipf's law. The hour of OTLP follows from
// times.
func (f Form) Encode(hour flow.Hour, records, flows int) ([][]byte, error) {
	posts := workload.Drawn(hour, records, flows)
	all := make([][]byte, different)
	for i := range all {
		var list []flow.Record
		err := json.Unmarshal(posts.Append(nil, int64(i)), &list)
		if err == nil {
			all[i], err = f.encode(list)
		}
		if err != nil {
			return nil, fmt.Errorf("encode body %d: %w", i, err)
		}
	}
	return all, nil
}

// zipped is JSON with gzip.
func zipped(records []flow.Record) ([]byte, error) {
	text, err := json.Marshal(records)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// metrics is an ExportMetricsServiceRequest with a data point of the preset obi for each record.
func metrics(records []flow.Record) []byte {
	var sum []byte
	for _, r := range records {
		sum = nested(sum, 1, point(&r))
	}
	sum = protowire.AppendVarint(protowire.AppendTag(sum, 2, protowire.VarintType), 1) // delta
	sum = protowire.AppendVarint(protowire.AppendTag(sum, 3, protowire.VarintType), 1) // monotonic
	metric := nested(nested(nil, 1, []byte("obi.network.flow.bytes")), 7, sum)
	return nested(nil, 1, nested(nil, 2, nested(nil, 2, metric)))
}

// point is a data point, as the agent of the sender makes it.
func point(r *flow.Record) (p []byte) {
	const second = 1e9
	end := uint64(r.Hour)*3600*second + 60*second
	p = protowire.AppendFixed64(protowire.AppendTag(p, 2, protowire.Fixed64Type), end-15*second)
	p = protowire.AppendFixed64(protowire.AppendTag(p, 3, protowire.Fixed64Type), end)
	p = protowire.AppendFixed64(protowire.AppendTag(p, 6, protowire.Fixed64Type), uint64(r.BytesTx))
	for _, a := range [...][2]string{
		{"obi.ip", "192.0.2.1"}, {"k8s.src.node.ip", "192.0.2.1"}, {"k8s.dst.node.ip", "192.0.2.2"},
		{"src.address", "10.0.0.1"}, {"dst.address", "10.0.0.2"}, {"k8s.cluster.name", r.VPCID},
		{"k8s.src.namespace", "shop"}, {"k8s.src.owner.name", r.SrcApp}, {"k8s.src.owner.type", "Deployment"},
		{"k8s.dst.namespace", "shop"}, {"k8s.dst.owner.name", r.DestApp}, {"k8s.dst.owner.type", "Deployment"},
		{"direction", "request"},
	} {
		value := nested(nil, 1, []byte(a[1]))
		p = nested(p, 7, nested(nested(nil, 1, []byte(a[0])), 2, value))
	}
	return p
}

// nested appends a field of bytes.
func nested(dst []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, number, protowire.BytesType), value)
}

// Post posts so many bodies over connections that stay open. It fails with the first answer that is not a 200.
func (f Form) Post(ctx context.Context, s *server.Server, key string, bodies [][]byte, count, connections int) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var posts sync.WaitGroup
	for c := range connections {
		posts.Go(func() {
			for i := c; i < count && ctx.Err() == nil; i += connections {
				if err := f.post(ctx, client, s.URLs()[0], fmt.Sprintf("%s-%d", key, i), bodies[i%len(bodies)]); err != nil {
					stop(err)
				}
			}
		})
	}
	posts.Wait()
	return context.Cause(ctx)
}

func (f Form) post(ctx context.Context, client *http.Client, url, key string, body []byte) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+f.path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", f.media)
		req.Header.Set("Idempotency-Key", key)
		if f.coding != "" {
			req.Header.Set("Content-Encoding", f.coding)
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		switch {
		case err != nil:
			return err
		case res.StatusCode == http.StatusServiceUnavailable:
			continue // busy: the body is sent again, with its key
		case res.StatusCode != http.StatusOK, f.path != "/flows" && bytes.Contains(answer, []byte("points")):
			return fmt.Errorf("POST %s: %s: %.300s", f.path, res.Status, answer)
		}
		return nil
	}
}
