package member

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/hashicorp/memberlist"

	"flowring/node/keyring"
)

// newKeyring returns the library's keyring; nil without keys.
func newKeyring(keys keyring.Keys) (*memberlist.Keyring, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return memberlist.NewKeyring(keys, keys[0])
}

// UseKeys is SetKeys, with a log line for an error.
func (m *Members) UseKeys(keys keyring.Keys) {
	if err := m.SetKeys(keys); err != nil {
		m.log.Error("gossip keys not replaced", "error", err)
	}
}

// SetKeys replaces the keys of the gossip while it runs. Members that were started without keys cannot begin to use
// them. Calls must not overlap.
func (m *Members) SetKeys(keys keyring.Keys) error {
	if m.keys == nil || len(keys) == 0 {
		return fmt.Errorf("keys of the gossip: %d now, %d before: a node begins or ends to use keys at its start",
			len(keys), len(m.cfg.Keys))
	}
	return replaceKeys(m.keys, keys)
}

// replaceKeys makes a keyring hold exactly the keys. New keys decrypt before the first key encrypts.
//
// The library's RemoveKey moves the keys behind the removed one, in the memory from which a packet may be decrypted at
// the same time. Therefore replaceKeys first moves the keys that stay in front of the others, which UseKey does in new
// memory, and removes from the end.
func replaceKeys(ring *memberlist.Keyring, keys keyring.Keys) error {
	for _, key := range keys {
		if err := ring.AddKey(key); err != nil {
			return err
		}
	}
	held := slices.Clone(ring.GetKeys())
	stays := func(key []byte) bool {
		return slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) })
	}
	firstGone := slices.IndexFunc(held, func(key []byte) bool { return !stays(key) })
	for i, key := range held {
		if firstGone >= 0 && i > firstGone && stays(key) {
			if err := ring.UseKey(key); err != nil {
				return err
			}
		}
	}
	if err := ring.UseKey(keys[0]); err != nil {
		return err
	}
	for _, key := range slices.Backward(slices.Clone(ring.GetKeys())) {
		if stays(key) {
			break
		}
		if err := ring.RemoveKey(key); err != nil {
			return err
		}
	}
	return nil
}
