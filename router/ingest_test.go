package router

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// goflow2Record is a body of the preset goflow2.
const goflow2Record = `{"src_addr":"10.0.0.1","dst_addr":"10.0.0.2","bytes":1500,"sampling_rate":2,"time_flow_start_ns":1700000000000000000,"time_flow_end_ns":1700000060000000000}`

// A body of another program goes through the same limits and refusals as one of POST /flows.
func TestABodyOfAnotherProgram(t *testing.T) {
	const record = goflow2Record
	for _, test := range []struct {
		name, path, body string
		headers          []string
		status           int
		text             string
	}{
		{"is stored", "goflow2", record, nil, 200, `{"received":1,"kept":1,"set_aside":{},"hours":[472222]}`},
		{"of any media type", "goflow2", record, []string{"Content-Type", "application/vnd.example"}, 200, `"kept":1`},
		{"without a preset", "none", record, nil, 404, "/ingest has no preset"},
		{"without content", "goflow2", "", nil, 400, "the body is empty"},
		{"in an unknown coding", "goflow2", record, []string{"Content-Encoding", "br"}, 415, "Content-Encoding"},
		{"with a key that is no key", "goflow2", record, []string{"Idempotency-Key", "${ID}"}, 400, "template"},
		{"with a parameter", "goflow2?x=1", record, nil, 400, "x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, _ := handlerFor(Config{}, newFake())
			r := httptest.NewRequest("POST", "/ingest/"+test.path, strings.NewReader(test.body))
			for i := 0; i < len(test.headers); i += 2 {
				r.Header.Set(test.headers[i], test.headers[i+1])
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.text) {
				t.Errorf("answer = %d %s, want %d with %s", w.Code, w.Body, test.status, test.text)
			}
		})
	}
}
