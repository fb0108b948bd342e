package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"flowring/flow"
	"flowring/router/admin"
)

// Drain asks a node of the cluster to take the named node off the roster, and waits for the end. The drain is given up
// if ctx ends first.
func (c *Client) Drain(ctx context.Context, node string) error {
	return c.admin(ctx, "drain", url.Values{"node": {node}})
}

// Forget asks a node of the cluster to take the store of a lost node off the roster. With force, records may be lost.
func (c *Client) Forget(ctx context.Context, store string, force bool) error {
	return c.admin(ctx, "forget", url.Values{"store": {store}, "force": {strconv.FormatBool(force)}})
}

// ConfirmRetention asks a node of the cluster to close the hours on which the stores agree, without the limit on their
// number.
func (c *Client) ConfirmRetention(ctx context.Context) error {
	return c.admin(ctx, "retention/confirm", nil)
}

// Erase asks a node of the cluster to plan the erasure of the hours from <= h < to, and with the hash of a plan to take
// it further. The caller repeats the call until the erasure is done.
func (c *Client) Erase(ctx context.Context, from, to flow.Hour, hash string) (state admin.Erasure, err error) {
	asked := url.Values{"from": {strconv.FormatInt(int64(from), 10)}, "to": {strconv.FormatInt(int64(to), 10)}}
	if hash != "" {
		asked.Set("apply", hash)
	}
	_, err = c.retry(ctx, func(ctx context.Context, target string) error {
		_, err := c.call(ctx, http.MethodPost, target+"/admin/erase?"+asked.Encode(), nil, nil, &state)
		return err
	})
	if err != nil {
		return state, fmt.Errorf("erase: %w", err)
	}
	return state, nil
}

// Backup makes a backup of a node, or joins one, and returns its state within seconds. The caller repeats the call
// until the backup of this name is done. The client should have one target.
func (c *Client) Backup(ctx context.Context, name string) (state admin.Backup, err error) {
	_, err = c.retry(ctx, func(ctx context.Context, target string) error {
		_, err := c.call(ctx, http.MethodPost, target+"/admin/backup?"+url.Values{"name": {name}}.Encode(), nil, nil, &state)
		return err
	})
	if err != nil {
		return state, fmt.Errorf("backup: %w", err)
	}
	return state, nil
}

// admin makes a call of an operator. A call that is repeated goes on where it stood, so it is retried like any other.
func (c *Client) admin(ctx context.Context, call string, parameters url.Values) error {
	patient := &Client{cfg: c.cfg, targets: c.targets}
	patient.cfg.AttemptTimeout = 24 * time.Hour // ctx is the limit: a node copies data before it answers
	_, err := patient.retry(ctx, func(ctx context.Context, target string) error {
		_, err := patient.call(ctx, http.MethodPost, target+"/admin/"+call+"?"+parameters.Encode(), nil, nil, &struct{}{})
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	return nil
}
