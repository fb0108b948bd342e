package answer

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/store/digest"
)

// tagVersion is the version of the documents. A document of another form needs another version.
const tagVersion = "flows/1"

// tagOf names the document of a slice with the batches of a digest. The document is a function of the set of batches
// alone, and so is the tag: it is equal on every node and at any time.
func tagOf(s flow.Slice, d digest.Digest) contract.Tag {
	sum := sha256.Sum256(d.Append(fmt.Appendf(nil, "%s %s\n", tagVersion, s)))
	return shortTag(sum[:])
}

// Tag implements contract.Answer. The tag of an hour is a hash of the tags of its slices, in order.
func (a *mergedAnswer) Tag() contract.Tag {
	hash := sha256.New()
	for _, part := range a.slices {
		tag := part.Tag()
		if tag == "" {
			return "" // the node of the slice knows no tags
		}
		fmt.Fprintln(hash, tag)
	}
	return shortTag(hash.Sum(nil))
}

// shortTag writes half of a SHA-256 as 22 characters.
func shortTag(sum []byte) contract.Tag {
	return contract.Tag(base64.RawURLEncoding.EncodeToString(sum[:16]))
}
