package views

import (
	"testing"

	"flowring/router"
)

func TestDifferencesAreNamed(t *testing.T) {
	view := func(placement string, alive ...string) router.MembersView {
		v := router.MembersView{Ring: router.RingView{Version: placement}}
		for _, name := range alive {
			v.Members = append(v.Members, router.Member{Name: name, State: "alive", Store: "0123456789", Established: name != "b"})
		}
		return v
	}
	for _, tt := range []struct {
		views Views
		want  string
	}{
		{Views{}, ""},
		{Views{"a": view("x", "a", "b"), "b": view("x", "a", "b")}, ""},
		{Views{"a": view("x", "a", "b"), "b": view("y", "a", "b")}, "b places otherwise than a"},
		{Views{"a": view("x", "a", "b"), "b": view("x", "b")}, "b does not see a"},
	} {
		got := ""
		if err := tt.views.Agree(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("Agree of %v = %q, want %q", tt.views, got, tt.want)
		}
	}
	all := Views{"b": view("x", "a", "b"), "a": view("x", "a")}
	const want = " [a (<nil>): a.0123 alive,] [b (<nil>): a.0123 alive, b.0123 alive joining,]"
	if got := all.Picture(func(string) error { return nil }); got != want {
		t.Errorf("Picture = %q, want %q", got, want)
	}
}
