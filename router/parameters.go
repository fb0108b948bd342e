package router

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// takes returns h for requests whose query has no parameters but those named. A request with another parameter is refused, because
// its sender relies on something that the answer would not hold: ?Require=complete asks for a guarantee. Names that begin with an
// underscore are ignored: clients add them to get past caches.
func (rt *router) takes(h http.HandlerFunc, names ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := checkParameters(r.URL, names); err != nil {
			rt.refuse(w, r, err)
			return
		}
		h(w, r)
	}
}

// checkParameters returns the refusal of a query with a parameter that is none of names.
func checkParameters(u *url.URL, names []string) error {
	if u.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return malformed(err)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) { // sorted, so that equal queries get equal answers
		if !strings.HasPrefix(name, "_") && !slices.Contains(names, name) {
			return unknownParameter(u.Path, name, names)
		}
	}
	return nil
}

func unknownParameter(path, name string, names []string) error {
	if len(names) == 0 {
		return &queryError{fmt.Sprintf("the query parameter %s is unknown; %s has no parameters", quoted(name), path)}
	}
	return &queryError{fmt.Sprintf("the query parameter %s is unknown, the nearest known one is %s; the parameters of %s are %s",
		quoted(name), nearest(name, names), path, strings.Join(names, ", "))}
}

// nearest returns the one of names that takes the fewest edits to become name, the first of equals. Case counts for nothing.
func nearest(name string, names []string) string {
	const most = 64 // bytes of the name that are compared: it comes from outside
	name = strings.ToLower(name[:min(len(name), most)])
	return slices.MinFunc(names, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance returns the Levenshtein distance of two texts in bytes: how many insertions, deletions and substitutions make one the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // distances of the part of a that is done to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
