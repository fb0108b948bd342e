package access

import (
	"context"
	"io"
	"reflect"
	"testing"
	"time"
)

func TestTargets(t *testing.T) {
	for _, test := range []struct {
		name        string
		flags       []string
		environment string
		want        []string
	}{
		{"neither flags nor environment", nil, "", []string{"http://127.0.0.1:8080"}},
		{"the environment", nil, "n1:80, https://n2", []string{"http://n1:80", "https://n2"}},
		{"flags win", []string{"http://n3", "n4:80,n5:80"}, "n1:80", []string{"http://n3", "http://n4:80", "http://n5:80"}},
	} {
		a := Access{Targets: test.flags}
		if got, err := a.URLs(test.environment); err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: URLs() = %q, %v, want %q", test.name, got, err, test.want)
		}
	}
}

// A request needs no During: then nothing is printed, and nothing fails.
func TestARequestOutsideOfDuringFailsWithItsOwnError(t *testing.T) {
	a := Access{Targets: []string{"127.0.0.1:1"}}
	c, err := a.Client(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Members(ctx); !Unavailable(err) {
		t.Errorf("Members = %v, want an error about the node", err)
	}
}
