package parameter

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"flowring/internal/contract"
)

// Parse returns the parameters of a query string.
func Parse(raw string) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, contract.Query.Errorf("the query is not well formed: %w", err)
	}
	return values, nil
}

// Ignored reports whether a node ignores a parameter: clients add names with a leading underscore to get past caches.
func Ignored(name string) bool { return strings.HasPrefix(name, "_") }

// Shown returns the query of a URL for the log: the parameters that have a meaning, in the order of their names. An
// ignored parameter may be a secret of a client that is set up wrongly.
func Shown(u *url.URL) string {
	values := u.Query()
	maps.DeleteFunc(values, func(name string, _ []string) bool { return Ignored(name) })
	return values.Encode()
}

// CheckNames refuses a query with a parameter outside names, because the sender relies on its effect: ?Require=complete
// asks for a guarantee.
func CheckNames(u *url.URL, names []string) error {
	if u.RawQuery == "" {
		return nil
	}
	values, err := Parse(u.RawQuery)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(values)) { // sorted: equal queries get equal answers
		if !Ignored(name) && !slices.Contains(names, name) {
			return unknown(u.Path, name, names)
		}
	}
	return nil
}

func unknown(path, name string, names []string) error {
	if len(names) == 0 {
		return contract.Query.Errorf("the query parameter %s is unknown; %s has no parameters", Quoted(name), path)
	}
	return contract.Query.Errorf(
		"the query parameter %s is unknown, the nearest known one is %s; the parameters of %s are %s",
		Quoted(name), Nearest(name, names), path, strings.Join(names, ", "))
}

// Nearest returns the first element of names that name begins, such as src_app for src; otherwise the element with the
// least edit distance to name, and the first of several. It ignores case.
func Nearest(name string, names []string) string {
	const most = 64 // bytes that are compared, because the name is from a client
	name = strings.ToLower(name[:min(len(name), most)])
	begins := func(known string) bool { return len(name) > 1 && strings.HasPrefix(known, name) }
	if i := slices.IndexFunc(names, begins); i >= 0 {
		return names[i]
	}
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
