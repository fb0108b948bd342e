package roster

import "testing"

// Every expired hour is closed, whichever floor is raised.
func TestCIsAtLeastF(t *testing.T) {
	r := Roster{}.WithFloors(Floors{Closed: 3})
	for _, tt := range []struct{ raise, want Floors }{
		{Floors{Expired: 2}, Floors{Closed: 3, Expired: 2}},
		{Floors{Expired: 5}, Floors{Closed: 5, Expired: 5}},
		{Floors{Closed: 2}, Floors{Closed: 3}},
	} {
		if got := r.WithFloors(tt.raise).Floors(); got != tt.want {
			t.Errorf("WithFloors(%v) = %v, want %v", tt.raise, got, tt.want)
		}
	}
}
