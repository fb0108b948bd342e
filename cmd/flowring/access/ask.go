package access

import (
	"context"
	"io"
	"net/url"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router"
	"flowring/router/client"
)

// WithMembers gets the members from a node and calls do with them, within the timeout.
func (a *Access) WithMembers(
	parent context.Context, stderr io.Writer, do func(context.Context, router.MembersView) error,
) error {
	c, err := a.Client(stderr)
	if err != nil {
		return err
	}
	ctx, _, cancel := a.Bound(parent)
	defer cancel()
	view, err := a.Members(ctx, c)
	if err != nil {
		return err
	}
	return do(ctx, view)
}

// Members gets the members from a node of c.
func (a *Access) Members(ctx context.Context, c *client.Client) (view router.MembersView, err error) {
	err = a.waiting.during(func() error {
		view, err = c.Members(ctx)
		return err
	})
	return view, err
}

// Get gets an hour from a node of c.
func (a *Access) Get(
	ctx context.Context, c *client.Client, hour flow.Hour, need contract.Need,
) (answer client.Hour, err error) {
	err = a.waiting.during(func() error {
		answer, err = c.Get(ctx, hour, need)
		return err
	})
	return answer, err
}

// Query asks a question at a path of a node of c.
func (a *Access) Query(
	ctx context.Context, c *client.Client, path string, query url.Values, known string,
) (rows *client.Rows, err error) {
	err = a.waiting.during(func() error {
		rows, err = c.Query(ctx, path, query, known)
		return err
	})
	return rows, err
}

// Operate runs do with a client of its own, within the timeout. While do waits, stderr gets the reason.
func (a *Access) Operate(
	parent context.Context, stderr io.Writer, do func(context.Context, *client.Client) error,
) error {
	c, err := a.Client(stderr)
	if err != nil {
		return err
	}
	defer c.Close()
	return a.Within(parent, func(ctx context.Context) error { return do(ctx, c) })
}

// Within runs ask within the timeout, as During does.
func (a *Access) Within(parent context.Context, ask func(context.Context) error) error {
	ctx, _, cancel := a.Bound(parent)
	defer cancel()
	return a.During(func() error { return ask(ctx) })
}

// During runs ask, which makes one request, or several at the same time. While ask waits, stderr gets the reason.
func (a *Access) During(ask func() error) error { return a.waiting.during(ask) }
