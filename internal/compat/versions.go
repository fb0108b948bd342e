package compat

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a cluster version. The zero value stands for version 1, because stores and rosters of earlier programs say
// no version.
type Version int

// The versions that this program speaks.
const (
	Oldest Version = 1
	Newest Version = 3
)

// Known returns the version, with 1 for the zero value.
func (v Version) Known() Version { return max(v, 1) }

// Feature is a change of a format. Its value is the first version with the change.
type Feature Version

// The features.
const (
	HourTotals Feature = 2 // totals of slices in the data folder
	Queries    Feature = 2 // calls for queries of many hours
	Columns    Feature = 2 // the flows of a slice as columns between nodes
	Floors     Feature = 3 // floors of retention in the roster
	Erasure    Feature = 3 // marks of erased hours in the roster
	ByKey      Feature = 3 // the calls that store batches of which the key and the hour decide
	Proven     Feature = 3 // proven quorum in the roster
	RequestIDs Feature = 3 // the IDs of requests in calls on streams
	Packs      Feature = 3 // packs of small batches, in the data folder and between nodes
)

// On reports whether a version has the feature.
func (f Feature) On(v Version) bool { return v >= Version(f) }

// Range is the versions that a program speaks. The zero value stands for version 1 alone.
type Range struct{ Oldest, Newest Version }

// Spoken returns the versions that this program speaks.
func Spoken() Range { return Range{Oldest, Newest} }

// Includes reports whether a version is in the range.
func (r Range) Includes(v Version) bool {
	return r.Oldest.Known() <= v.Known() && v.Known() <= r.Newest.Known()
}

// String returns the range in words.
func (r Range) String() string {
	if r.Oldest.Known() == r.Newest.Known() {
		return fmt.Sprintf("version %d", r.Newest.Known())
	}
	return fmt.Sprintf("versions %d to %d", r.Oldest.Known(), r.Newest.Known())
}

// VersionError refuses a version outside a range.
type VersionError struct {
	Version Version
	Speaks  Range // of the refusing program
}

// Error names both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("version %d, this program reads %s", e.Version.Known(), e.Speaks)
}

// Check refuses a version outside the range; nil: the program reads it.
func (r Range) Check(v Version) error {
	if r.Includes(v) {
		return nil
	}
	return &VersionError{v, r}
}

// Offer describes a node to another node. The zero value is the offer of a node that says none: version 1 alone.
type Offer struct {
	On     Version // on in the node's cluster; 1 before the node belongs to one
	Speaks Range
}

// String returns the offer as ParseOffer reads it: the version that is on, and the range, such as 1/1-2. It is never
// empty, so that a node without an offer is one of a program before versions.
func (o Offer) String() string {
	return fmt.Sprintf("%d/%d-%d", o.On.Known(), o.Speaks.Oldest.Known(), o.Speaks.Newest.Known())
}

// ParseOffer reads the text of an offer. It ignores a space and all text behind it, where later versions may add facts.
func ParseOffer(text string) (Offer, error) {
	text, _, _ = strings.Cut(text, " ")
	if text == "" {
		return Offer{}, nil
	}
	on, speaks, _ := strings.Cut(text, "/")
	oldest, newest, _ := strings.Cut(speaks, "-")
	var o Offer
	for _, number := range []struct {
		text string
		to   *Version
	}{{on, &o.On}, {oldest, &o.Speaks.Oldest}, {newest, &o.Speaks.Newest}} {
		n, err := strconv.ParseUint(number.text, 10, 31)
		if err != nil || n == 0 {
			return Offer{}, fmt.Errorf("offer %.40q: want a version and a range such as 1/1-2", text)
		}
		*number.to = Version(n)
	}
	if o.Speaks.Oldest > o.Speaks.Newest {
		return Offer{}, fmt.Errorf("offer %.40q: the range ends before it begins", text)
	}
	return o, nil
}

// OfferError refuses another node, because one of the two does not speak the version that is on.
type OfferError struct {
	On     Version
	Speaks Range // of the node that does not speak it
	Here   bool  // this node does not speak it
}

// Error names both versions.
func (e *OfferError) Error() string {
	if e.Here {
		return fmt.Sprintf("version %d is on there, and this node speaks %s", e.On.Known(), e.Speaks)
	}
	return fmt.Sprintf("version %d is on here, and the other node speaks %s", e.On.Known(), e.Speaks)
}

// Check refuses a node with another offer; nil: both nodes speak the higher one of the versions that are on. A node
// that has not heard yet of a new version learns of it.
func (o Offer) Check(other Offer) error {
	on := max(o.On.Known(), other.On.Known())
	switch {
	case !o.Speaks.Includes(on):
		return &OfferError{On: on, Speaks: o.Speaks, Here: true}
	case !other.Speaks.Includes(on):
		return &OfferError{On: on, Speaks: other.Speaks}
	}
	return nil
}
