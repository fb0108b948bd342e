package denial

import "testing"

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"code":"busy","detail":"b","stores":["c"],"hour":7}`))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if Parse(data) == nil {
			t.Errorf("%q is no refusal and no error", data)
		}
	})
}
