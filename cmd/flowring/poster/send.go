package poster

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"flowring/router/client"
)

// SendTo makes one request to a node of c. An earlier attempt of the same call does not count as replayed.
func SendTo(ctx context.Context, c *client.Client, body []byte, key string) (answer []byte, replayed bool, err error) {
	receipt, err := c.Post(ctx, body, client.PostOptions{Key: key})
	if unknown := (*client.UnknownError)(nil); errors.As(err, &unknown) {
		return nil, false, unacknowledged{unknown}
	}
	if err != nil {
		return nil, false, err
	}
	answer, err = json.Marshal(receipt.Accepted)
	return append(answer, '\n'), receipt.Replayed && receipt.Attempts == 1, err
}

// unacknowledged is an UnknownError without its advice about the key of one request, because the note of the poster
// names the key of the command.
type unacknowledged struct{ *client.UnknownError }

func (e unacknowledged) Error() string { return fmt.Sprintf("not acknowledged: %v", e.Err) }

// Unwrap returns the whole error.
func (e unacknowledged) Unwrap() error { return e.UnknownError }
