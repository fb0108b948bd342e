package ingest

import "strings"

// Workload cuts the parts of a Kubernetes name that change with each rollout, because they multiply flows: the end -*
// of a generated name, the random end of a pod, and the hash of a ReplicaSet. A name without such an end stays as it
// is.
//
//	frontend-78cb8f69c8-*      frontend
//	frontend-78cb8f69c8-x2x7p  frontend
//	node-agent-*               node-agent
func Workload(name string) string {
	base, generated := strings.CutSuffix(name, "-*")
	if !generated {
		before, pod, ok := cutLast(base)
		if !ok || len(pod) != 5 || !isRandom(pod) {
			return name
		}
		if before, set, ok := cutLast(before); ok && isSetHash(set) {
			return before
		}
		return name // the end may be a word: only the two ends together are certain
	}
	if before, set, ok := cutLast(base); ok && isSetHash(set) {
		return before
	}
	if base == "" {
		return name
	}
	return base
}

// isSetHash reports whether text may be the hash of a ReplicaSet: 6 to 10 characters of the alphabet.
func isSetHash(text string) bool { return len(text) >= 6 && len(text) <= 10 && isRandom(text) }

// isRandom reports whether text has only characters that Kubernetes uses for random names: no vowels, no 0, 1 and 3.
func isRandom(text string) bool {
	return strings.Trim(text, "bcdfghjklmnpqrstvwxz2456789") == ""
}

// cutLast cuts text around its last hyphen. ok is false if nothing stands before it.
func cutLast(text string) (before, after string, ok bool) {
	i := strings.LastIndexByte(text, '-')
	if i <= 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}
