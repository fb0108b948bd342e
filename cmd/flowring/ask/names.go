package ask

import (
	"context"
	"io"
	"net/url"
	"strconv"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
)

// maxNames is the number of names that a shell proposes at most.
const maxNames = 100

// Names returns the names of a field that begin with a prefix, from the hours of the range in values; none if no node
// answers within the timeout of a.
func Names(ctx context.Context, a *access.Access, field, prefix string, values url.Values) []string {
	c, err := a.Client(io.Discard)
	if err != nil {
		return nil
	}
	defer c.Close()
	ctx, _, cancel := a.Bound(ctx)
	defer cancel()
	asked := url.Values{"field": {field}, "prefix": {prefix}, "from": {"-24h"}, "limit": {strconv.Itoa(maxNames)}}
	for _, end := range []string{"from", "to"} {
		if values.Has(end) {
			asked.Set(end, values.Get(end))
		}
	}
	found, err := c.Names(ctx, asked)
	if err != nil {
		return nil
	}
	var names []string
	for _, name := range found {
		if output.Escaped(name) == name { // a shell must get no control characters
			names = append(names, name)
		}
	}
	return names
}
