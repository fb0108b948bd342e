package duckdb

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestDuckDBAnswersFromACSVFile(t *testing.T) {
	d, err := Open(t.Context())
	if errors.Is(err, ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	csv := filepath.Join(t.TempDir(), "flows.csv")
	rows := "hour,time,src_app,dest_app,vpc_id,bytes_tx,bytes_rx\n7,x,a,b,v,9223372036854775807,1\n8,x,a,b,v,9223372036854775807,2\n"
	if err := os.WriteFile(csv, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	answers, err := d.Measure(t.Context(), csv, 2, "SELECT src_app, sum(bytes_tx), sum(bytes_rx) FROM flows GROUP BY src_app")
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]string{{"a", "18446744073709551614", "3"}}; len(answers[0].Runs) != 2 || !reflect.DeepEqual(answers[0].Rows, want) {
		t.Errorf("Measure = %+v, want %v", answers, want)
	}
}
