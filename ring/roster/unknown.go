package roster

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A program keeps the fields that it does not know, of a roster and of a store on it, and passes them on. They are the
// facts of later programs. They are kept as a JSON object in canonical form, "" for none, so that equal fields have
// equal texts.
//
// The merge of two objects has each field of either. A field of both is merged as an object if both values are objects.
// Otherwise the greater value wins, in this order of all JSON values:
//
//	null < false < true < fractions, by text < whole numbers, by value < strings, by bytes < arrays < objects
//
// Arrays compare element by element, and a shorter one comes before its extension. Therefore a counter, a flag that is
// only ever set, a union, and a register [count, value] merge as they should. A later version may merge its own field
// by another rule only while all stores of the roster speak that version.
//
// The merge is a least upper bound: idempotent, commutative and associative.

// maxUnknown is the limit of the unknown fields of a whole roster, in bytes.
const maxUnknown = 64 << 10

// canonical returns an object in canonical form, or "" for an object without fields.
func canonical(object jsontext.Value) (string, error) {
	if len(object) == 0 {
		return "", nil
	}
	if len(object) > maxBytes {
		return "", fmt.Errorf("unknown fields of %d bytes", len(object))
	}
	object = object.Clone()
	err := object.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
	if err != nil {
		return "", fmt.Errorf("unknown fields: %w", err)
	}
	if string(object) == "{}" {
		return "", nil
	}
	return string(object), nil
}

// mergeUnknown merges two objects in canonical form.
func mergeUnknown(a, b string) string {
	switch {
	case a == b || b == "":
		return a
	case a == "":
		return b
	}
	return string(mergeObjects(jsontext.Value(a), jsontext.Value(b)))
}

// mergeValues merges two values in canonical form.
func mergeValues(a, b jsontext.Value) jsontext.Value {
	if a.Kind() == '{' && b.Kind() == '{' {
		return mergeObjects(a, b)
	}
	if compareValues(a, b) < 0 {
		return b
	}
	return a
}

func mergeObjects(a, b jsontext.Value) jsontext.Value {
	merged := fieldsOf(a)
	for name, value := range fieldsOf(b) {
		if mine, both := merged[name]; both {
			value = mergeValues(mine, value)
		}
		merged[name] = value
	}
	data, err := json.Marshal(merged, json.Deterministic(true))
	if err == nil {
		var text string
		text, err = canonical(data) // the order of names in canonical form is not the one of Deterministic
		data = []byte(text)
	}
	if err != nil {
		panic(fmt.Sprintf("merge of %s and %s: %v", a, b, err)) // both are valid
	}
	if len(data) == 0 {
		return jsontext.Value("{}")
	}
	return data
}

// compareValues orders two values in canonical form.
func compareValues(a, b jsontext.Value) int {
	if c := cmp.Compare(class(a), class(b)); c != 0 {
		return c
	}
	switch a.Kind() {
	case '0':
		x, _ := strconv.ParseInt(string(a), 10, 64)
		y, _ := strconv.ParseInt(string(b), 10, 64)
		return cmp.Or(cmp.Compare(x, y), bytes.Compare(a, b))
	case '[':
		return slices.CompareFunc(elementsOf(a), elementsOf(b), compareValues)
	}
	return bytes.Compare(a, b)
}

// class returns the place of a kind of values in the order.
func class(v jsontext.Value) int {
	switch v.Kind() {
	case 'n':
		return 0
	case 'f':
		return 1
	case 't':
		return 2
	case '0':
		if _, err := strconv.ParseInt(string(v), 10, 64); err != nil {
			return 3
		}
		return 4
	case '"':
		return 5
	case '[':
		return 6
	}
	return 7
}

func fieldsOf(object jsontext.Value) map[string]jsontext.Value {
	fields := map[string]jsontext.Value{}
	if err := json.Unmarshal(object, &fields); err != nil {
		panic(fmt.Sprintf("fields of %s: %v", object, err)) // it was canonical
	}
	return fields
}

func elementsOf(array jsontext.Value) (elements []jsontext.Value) {
	if err := json.Unmarshal(array, &elements); err != nil {
		panic(fmt.Sprintf("elements of %s: %v", array, err)) // it was canonical
	}
	return elements
}
