package trace

import "context"

// key is the key of the IDs in a context: a *traced.
type key struct{}

// traced is a context with IDs. It is one object with a single ID and the value of the header, because each request
// and each call makes one.
type traced struct {
	context.Context
	ids  IDs
	one  ID        // the bytes of ids, if there is one
	text [1]string // the ID in the header of the answer
}

func traceOne(ctx context.Context, id ID) *traced {
	c := &traced{Context: ctx, one: id}
	c.ids = c.one[:]
	return c
}

// Value implements context.Context.
func (c *traced) Value(k any) any {
	if k == (key{}) {
		return c
	}
	return c.Context.Value(k)
}

// With returns ctx with the ID. The zero ID changes nothing.
func With(ctx context.Context, id ID) context.Context {
	if id.IsZero() {
		return ctx
	}
	return traceOne(ctx, id)
}

// WithAll returns ctx with a copy of the IDs. No ID changes nothing.
func WithAll(ctx context.Context, ids IDs) context.Context {
	switch len(ids) {
	case 0:
		return ctx
	case len(ID{}):
		return traceOne(ctx, ID(ids))
	}
	return &traced{Context: ctx, ids: append(IDs(nil), ids...)}
}

// Of returns the ID of the request for which ctx works, the first one of several; zero: none.
func Of(ctx context.Context) (id ID) {
	copy(id[:], All(ctx))
	return id
}

// All returns the IDs of the requests for which ctx works. The caller must not change them.
func All(ctx context.Context) IDs {
	if c, ok := ctx.Value(key{}).(*traced); ok {
		return c.ids
	}
	return nil
}

// Shared returns the context of work that may outlive the request of ctx: life with the ID of ctx.
func Shared(life, ctx context.Context) context.Context { return With(life, Of(ctx)) }
