package client

import (
	"context"
	"fmt"
	"io"

	"flowring/flow"
	"flowring/internal/contract"
)

// Hour is the flows of an hour, as a stream.
type Hour struct {
	io.ReadCloser                       // the JSON array; a truncated answer ends with an error
	Complete      contract.Completeness // the part of the hour known to be in the array
}

// Get reads an hour. The caller reads the answer to its end before it uses the flows, and closes it. ctx limits the
// reading too.
func (c *Client) Get(ctx context.Context, hour flow.Hour, need contract.Need) (Hour, error) {
	path := "/flows?hour=" + hour.String() + parameter(need)
	var h Hour
	_, err := c.retry(ctx, func(ctx context.Context, target string) error {
		resp, err := c.open(ctx, target+path, nil)
		if err != nil {
			return err
		}
		complete, err := contract.ParseCompleteness(resp.Header.Get("Flowring-Complete"))
		if err != nil { // P5: an answer without a completeness must not pass for one that has one
			resp.Body.Close()
			return errNoCompleteness
		}
		h = Hour{resp.Body, complete}
		return nil
	})
	if err != nil {
		return Hour{}, fmt.Errorf("get hour %d: %w", hour, err)
	}
	return h, nil
}

func parameter(need contract.Need) string {
	switch need {
	case contract.NeedComplete:
		return "&require=complete"
	case contract.NeedPartial:
		return "&partial=true"
	}
	return ""
}
