package envelope

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

func zip(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.Bytes()
}

func b64(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// firehose writes a delivery of Firehose with these records.
func firehose(records ...[]byte) string {
	var all []string
	for _, r := range records {
		all = append(all, `{"data":"`+b64(r)+`"}`)
	}
	return `{"requestId":"req-1","timestamp":1700000000000,"records":[` + strings.Join(all, ",") + `]}`
}

// cloudwatch writes a delivery of CloudWatch Logs.
func cloudwatch(kind string, events ...string) string {
	var all []string
	for i := 0; i < len(events); i += 2 {
		all = append(all, fmt.Sprintf(`{"id":%q,"timestamp":1700000000000,"message":%q}`, events[i], events[i+1]))
	}
	return `{"messageType":"` + kind + `","owner":"123456789012","logGroup":"flow","logStream":"eni-1","subscriptionFilters":["all"],"logEvents":[` +
		strings.Join(all, ",") + `]}`
}

func TestEnvelopesHaveBodies(t *testing.T) {
	aws, gcp := []string{"firehose", "cloudwatch"}, []string{"pubsub"}
	data := cloudwatch("DATA_MESSAGE", "1", "line a", "2", "line b")
	for _, test := range []struct {
		name    string
		body    string
		allowed []string
		want    Content
	}{
		{"no envelope is looked for", firehose([]byte("a")), nil, Content{Body: []byte(firehose([]byte("a")))}},
		{"no envelope is found", "2 eni-1 a", aws, Content{Body: []byte("2 eni-1 a")}},
		{"lines in firehose", firehose([]byte("a\n"), []byte("b")), aws, Content{Kind: "firehose", Body: []byte("a\nb"), Request: "req-1"}},
		{"messages in firehose", firehose([]byte(`{"message":"a"}{"message":"b"}` + "\n")), aws, Content{Kind: "firehose", Body: []byte("a\nb"), Request: "req-1"}},
		{"other objects in firehose", firehose([]byte(`{"x":1}`)), aws, Content{Kind: "firehose", Body: []byte(`{"x":1}`), Request: "req-1"}},
		{"cloudwatch in firehose", firehose(zip(data)), aws, Content{Kind: "firehose", Body: []byte("line a\nline b"), Request: "req-1"}},
		{"several of cloudwatch behind each other", firehose(zip(data + cloudwatch("DATA_MESSAGE", "3", "line c"))), aws, Content{Kind: "firehose", Body: []byte("line a\nline b\nline c"), Request: "req-1"}},
		{"a control message has no records", firehose(zip(cloudwatch("CONTROL_MESSAGE", "1", "CWL CONTROL MESSAGE: Checking health"))), aws, Content{Kind: "firehose", Request: "req-1"}},
		{"an event twice in a delivery counts once", firehose(zip(data), zip(data)), aws, Content{Kind: "firehose", Body: []byte("line a\nline b"), Request: "req-1"}},
		{"a record that is no base64 does not hide the next", `{"requestId":"r","records":[{"data":"?"},{"data":"YQ=="}]}`, aws, Content{Kind: "firehose", Body: []byte("a"), Request: "r", Malformed: 1}},
		{"a record that is cut off", firehose(zip(data)[:30], []byte("b")), aws, Content{Kind: "firehose", Body: []byte("b"), Request: "req-1", Malformed: 1}},
		{"no records", firehose(), aws, Content{Kind: "firehose", Request: "req-1"}},
		{"cloudwatch as gzip", string(zip(data)), aws, Content{Kind: "cloudwatch", Body: []byte("line a\nline b")}},
		{"cloudwatch, plain", data, aws, Content{Kind: "cloudwatch", Body: []byte("line a\nline b")}},
		{"cloudwatch that is cut off", data + data[:20], aws, Content{Kind: "cloudwatch", Body: []byte("line a\nline b"), Malformed: 1}},
		{"pubsub", `{"message":{"data":"` + b64([]byte(`{"a":1}`)) + `","messageId":"7","attributes":{}},"subscription":"projects/p/subscriptions/s"}`, gcp, Content{Kind: "pubsub", Body: []byte(`{"a":1}`), Request: "projects/p/subscriptions/s 7"}},
		{"pubsub without data", `{"message":{"messageId":"7"},"subscription":"s"}`, gcp, Content{Kind: "pubsub", Request: "s 7"}},
		{"a log entry with a field message", `{"message":{"a":1}}`, gcp, Content{Body: []byte(`{"message":{"a":1}}`)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Open([]byte(test.body), test.allowed, 1<<20)
			if err != nil || got.Kind != test.want.Kind || !bytes.Equal(got.Body, test.want.Body) || got.Request != test.want.Request || got.Malformed != test.want.Malformed {
				t.Errorf("Open = %q %+v, %v; want %q %+v", got.Body, got, err, test.want.Body, test.want)
			}
		})
	}
}

func TestTheContentOfADeliveryIsLimited(t *testing.T) {
	bomb := zip(strings.Repeat("x", 1<<20))
	for name, body := range map[string]string{
		"one record": firehose(bomb), "many records": firehose(bytes.Repeat([]byte("x"), 600), bytes.Repeat([]byte("x"), 600)),
		"gzip": string(bomb), "many members": firehose(bytes.Repeat(zip(strings.Repeat("x", 100)), 20)),
	} {
		if _, err := Open([]byte(body), []string{"firehose", "cloudwatch"}, 1000); !errors.As(err, new(*TooLargeError)) {
			t.Errorf("%s over the limit = %v, want a TooLargeError", name, err)
		}
	}
}

// FuzzOpen opens any delivery. The content stays within the limit, and two openings are equal.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(firehose(zip(cloudwatch("DATA_MESSAGE", "1", "a")), []byte(`{"message":"b"}`))))
	f.Add([]byte(`{"message":{"data":"YQ==","messageId":"7"},"subscription":"s"}`))
	f.Add(zip("a"))
	f.Fuzz(func(t *testing.T, body []byte) {
		const most = 1 << 12
		c, err := Open(body, []string{"firehose", "cloudwatch", "pubsub"}, most)
		if err == nil && len(c.Body) > most && c.Kind != "" {
			t.Fatalf("%d bytes, at most %d", len(c.Body), most)
		}
		if again, err2 := Open(body, []string{"firehose", "cloudwatch", "pubsub"}, most); fmt.Sprint(err) != fmt.Sprint(err2) || !bytes.Equal(c.Body, again.Body) || c.Request != again.Request {
			t.Fatalf("two openings of %q differ", body)
		}
	})
}
