package router

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"flowring/internal/contract"
)

// takes returns h for requests whose query has only the named parameters. It refuses a request with another parameter,
// because the sender relies on its effect: ?Require=complete asks for a guarantee. It ignores names with a leading
// underscore, because clients add them to get past caches.
func (rt *router) takes(h http.HandlerFunc, names ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := checkParameters(r.URL, names); err != nil {
			rt.refuse(w, r, err)
			return
		}
		h(w, r)
	}
}

// checkParameters refuses a query with a parameter outside names.
func checkParameters(u *url.URL, names []string) error {
	if u.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return malformed(err)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) { // sorted: equal queries get equal answers
		if !strings.HasPrefix(name, "_") && !slices.Contains(names, name) {
			return unknownParameter(u.Path, name, names)
		}
	}
	return nil
}

func unknownParameter(path, name string, names []string) error {
	if len(names) == 0 {
		return contract.Query.Errorf("the query parameter %s is unknown; %s has no parameters", quoted(name), path)
	}
	return contract.Query.Errorf(
		"the query parameter %s is unknown, the nearest known one is %s; the parameters of %s are %s",
		quoted(name), nearest(name, names), path, strings.Join(names, ", "))
}

// nearest returns the element of names with the least edit distance to name, and the first of several. It ignores case.
func nearest(name string, names []string) string {
	const most = 64 // bytes that are compared, because the name is from a client
	name = strings.ToLower(name[:min(len(name), most)])
	return slices.MinFunc(names, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance returns the Levenshtein distance of two texts in bytes: the least number of insertions, deletions and
// substitutions from one to the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // distances of the current prefix of a to each prefix of b
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
