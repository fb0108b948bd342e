package answer

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/store/digest"
)

// tagVersion is that of the documents: another form of them has other tags.
const tagVersion = "flows/1"

// tagOf names the document of a slice of which the batches of a digest are there. The document is a function of their set alone, and
// so is the tag: on every node, whenever it is asked.
func tagOf(s flow.Slice, d digest.Digest) contract.Tag {
	sum := sha256.Sum256(d.Append(fmt.Appendf(nil, "%s %s\n", tagVersion, s)))
	return shortTag(sum[:])
}

// Tag implements contract.Answer: the hour is what its slices are, in their order.
func (a *mergedAnswer) Tag() contract.Tag {
	hash := sha256.New()
	for _, part := range a.slices {
		tag := part.Tag()
		if tag == "" {
			return "" // from a node that does not say
		}
		fmt.Fprintln(hash, tag)
	}
	return shortTag(hash.Sum(nil))
}

// shortTag writes half of a SHA-256 as 22 characters.
func shortTag(sum []byte) contract.Tag {
	return contract.Tag(base64.RawURLEncoding.EncodeToString(sum[:16]))
}
