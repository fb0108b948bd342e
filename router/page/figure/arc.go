package figure

import (
	"fmt"
	"math"
)

// ArcPath returns a part of a ring, clockwise from the top. begin and end are parts of the whole.
func ArcPath(begin, end float64) string {
	const outer, inner = 125, 80
	end = min(end, begin+0.9999) // an arc of the whole circle has equal ends, and is not drawn
	point := func(part, radius float64) string {
		sin, cos := math.Sincos(2 * math.Pi * part)
		return fmt.Sprintf("%v %v", coordinate(radius*sin), coordinate(-radius*cos))
	}
	large := 0
	if end-begin > 0.5 {
		large = 1
	}
	return fmt.Sprintf("M%sA%d %d 0 %d 1 %sL%sA%d %d 0 %d 0 %sZ", point(begin, outer), outer, outer, large,
		point(end, outer),
		point(end, inner), inner, inner, large, point(begin, inner))
}
