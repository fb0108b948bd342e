package flow

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func TestAppendRecordIsCompactAndInOrder(t *testing.T) {
	got := string(AppendRecord([]byte("["), rec(-3, `a"b\c`, "<&>\u2028é😀\x7f", "\b\f\n\r\t\x00\x1f", 0, 1<<63-1)))
	want := `[{"src_app":"a\"b\\c","dest_app":"<&>` + "\u2028é😀\x7f" + `","vpc_id":"\b\f\n\r\t\u0000\u001f",` +
		`"bytes_tx":0,"bytes_rx":9223372036854775807,"hour":-3}`
	if got != want {
		t.Errorf("AppendRecord = %s, want %s", got, want)
	}
}

func TestAppendRecordIsReadBackByEncodingJSON(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := rec(Hour(rapid.Int64().Draw(rt, "hour")), rapid.String().Draw(rt, "src"), names().Draw(rt, "dest"),
			names().Draw(rt, "vpc"), rapid.Int64Min(0).Draw(rt, "tx"), rapid.Int64Min(0).Draw(rt, "rx"))
		var got Record
		text := AppendRecord(nil, want)
		if err := json.Unmarshal(text, &got); err != nil {
			rt.Fatalf("json.Unmarshal(%s) = %v, want no error", text, err)
		}
		if got != want {
			rt.Errorf("AppendRecord(%+v) = %s, which reads as %+v", want, text, got)
		}
	})
}
