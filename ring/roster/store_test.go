package roster

import (
	"strings"
	"testing"
)

func TestValidName(t *testing.T) {
	for name, valid := range map[string]bool{
		"flow-0":                      true,
		"Flow_0.example.com":          true,
		"7":                           true,
		strings.Repeat("a", 64):       true,
		"":                            false,
		strings.Repeat("a", 65):       false,
		"-a":                          false,
		"a-":                          false,
		".":                           false,
		"..":                          false,
		"_a":                          false,
		"a b":                         false,
		"a/b":                         false,
		"a:8080":                      false,
		"a\n":                         false,
		"a\x00b":                      false,
		"knötchen":                    false,
		"a\xffb":                      false,
		"a" + strings.Repeat(".", 64): false,
	} {
		if err := ValidName(name); (err == nil) != valid {
			t.Errorf("ValidName(%q) = %v, want valid: %t", name, err, valid)
		}
	}
}

func TestAClusterCanHaveTheLongestNamesOfKubernetes(t *testing.T) {
	longest := strings.Repeat("n", 63) + "." + strings.Repeat("i", 63)
	for name, valid := range map[string]bool{"flowring": true, longest: true, longest + "i": false, "": false, "a b": false} {
		if err := ValidClusterName(name); (err == nil) != valid {
			t.Errorf("ValidClusterName(%q) = %v, want valid: %t", name, err, valid)
		}
	}
}

func TestStoreIDsHaveOneSpelling(t *testing.T) {
	for s, valid := range map[string]bool{
		"0123456789abcdef0123456789abcdef":  true,
		"0123456789ABCDEF0123456789abcdef":  false,
		"0123456789abcdef0123456789abcde":   false,
		"0123456789abcdef0123456789abcdef0": false,
		"0123456789abcdef0123456789abcdeg":  false,
		"":                                  false,
	} {
		if id, err := ParseStoreID(s); (err == nil) != valid || valid && string(id) != s {
			t.Errorf("ParseStoreID(%q) = %q, %v, want valid: %t", s, id, err, valid)
		}
	}
}

func TestNewIDsAreValidAndDistinct(t *testing.T) {
	a, b := NewStoreID(), NewStoreID()
	for _, id := range []StoreID{a, b} {
		if _, err := ParseStoreID(string(id)); err != nil {
			t.Errorf("NewStoreID() = %q: %v", id, err)
		}
	}
	if a == b {
		t.Errorf("NewStoreID() = %q twice, want two IDs", a)
	}
	if err := ValidName(NewClusterID()); err != nil {
		t.Errorf("NewClusterID(): %v", err)
	}
}
