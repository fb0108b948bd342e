package client

import (
	"context"
	"errors"
	"fmt"
	"io"

	"flowring/flow"
	"flowring/router"
)

// Hour is an hour's flows as they come.
type Hour struct {
	io.ReadCloser                     // the JSON array; fails, and does not end, when the answer breaks off
	Complete      router.Completeness // how much of the hour is known to be in it
}

// Get reads an hour. The caller reads the answer to its end, or to an error, before it trusts it, and closes it; ctx bounds the
// reading, too.
func (c *Client) Get(ctx context.Context, hour flow.Hour, need router.Need) (Hour, error) {
	path := "/flows?hour=" + hour.String() + parameter(need)
	var h Hour
	_, err := c.retry(ctx, func(ctx context.Context, target string) error {
		resp, err := c.open(ctx, target+path)
		if err != nil {
			return err
		}
		h = Hour{resp.Body, router.Completeness(resp.Header.Get("Flowring-Complete"))}
		if h.Complete == "" { // P5: a number that does not say how complete it is must not pass for one that does
			h.Close()
			return errors.New("the answer does not say how complete it is; is this a Flowring node?")
		}
		return nil
	})
	if err != nil {
		return Hour{}, fmt.Errorf("get hour %d: %w", hour, err)
	}
	return h, nil
}

func parameter(need router.Need) string {
	switch need {
	case router.NeedComplete:
		return "&require=complete"
	case router.NeedPartial:
		return "&partial=true"
	}
	return ""
}
