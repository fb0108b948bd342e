package k8s_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// object is a Kubernetes object as it stands in a file.
type object = map[string]any

// kustomization is the part of kustomize that is used here. Anything else in a kustomization.yaml is an error, so that what is
// tested is what is deployed.
type kustomization struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Resources  []string `yaml:"resources"`
	Components []string `yaml:"components"`
	Patches    []struct {
		Path string `yaml:"path"`
	} `yaml:"patches"`
}

// render returns the objects that `kustomize build dir` prints, in the order of the files.
func render(dir string) ([]object, error) {
	k, err := readKustomization(dir)
	if err != nil {
		return nil, err
	}
	objects, err := collect(dir, k.Resources)
	if err != nil {
		return nil, err
	}
	for _, name := range k.Components {
		component, err := readKustomization(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if err := component.patch(objects, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	return objects, k.patch(objects, dir)
}

func readKustomization(dir string) (k kustomization, err error) {
	data, err := os.ReadFile(filepath.Join(dir, "kustomization.yaml"))
	if err == nil {
		err = decodeStrictly(data, &k)
	}
	if err != nil {
		return k, fmt.Errorf("%s: %w", dir, err)
	}
	return k, nil
}

// patch applies the patches of a kustomization in a folder.
func (k kustomization) patch(objects []object, dir string) error {
	for _, p := range k.Patches {
		patches, err := readObjects(filepath.Join(dir, p.Path))
		if err != nil {
			return err
		}
		for _, patch := range patches {
			if err := apply(objects, patch); err != nil {
				return fmt.Errorf("%s: %w", p.Path, err)
			}
		}
	}
	return nil
}

// collect returns the objects of all resources, each a file or a folder with a kustomization.
func collect(dir string, resources []string) ([]object, error) {
	var all []object
	for _, r := range resources {
		path, read := filepath.Join(dir, r), readObjects
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			read = render
		}
		objects, err := read(path)
		if err != nil {
			return nil, err
		}
		all = append(all, objects...)
	}
	return all, nil
}

func readObjects(path string) ([]object, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	objects, err := decodeObjects(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return objects, nil
}

func decodeObjects(data []byte) ([]object, error) {
	var objects []object
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var o object
		switch err := dec.Decode(&o); {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, err
		}
		objects = append(objects, o)
	}
}

// decodeStrictly decodes one document and refuses fields that into does not have.
func decodeStrictly(data []byte, into any) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	return dec.Decode(into)
}

// apply merges a patch into the object of its kind and name.
func apply(objects []object, patch object) error {
	for i, o := range objects {
		if identity(o) == identity(patch) {
			objects[i] = merge(o, patch).(object)
			return nil
		}
	}
	return fmt.Errorf("patch of %s: no such object", identity(patch))
}

func identity(o object) string {
	meta, _ := o["metadata"].(object)
	return fmt.Sprint(o["kind"], "/", meta["name"])
}

// merge is a strategic merge: maps key by key, lists of named maps name by name, all else replaced. A list that begins with
// the directive $patch: replace is replaced too.
func merge(old, patch any) any {
	switch patch := patch.(type) {
	case object:
		old, ok := old.(object)
		if !ok {
			return patch
		}
		merged := maps.Clone(old)
		for key, value := range patch {
			merged[key] = merge(old[key], value)
		}
		return merged
	case []any:
		if len(patch) > 0 && reflect.DeepEqual(patch[0], object{"$patch": "replace"}) {
			return patch[1:]
		}
		old, ok := old.([]any)
		if !ok || !named(old) || !named(patch) {
			return patch
		}
		return mergeNamed(old, patch)
	}
	return patch
}

func mergeNamed(old, patch []any) []any {
	merged := append([]any(nil), old...)
next:
	for _, p := range patch {
		for i, o := range merged {
			if o.(object)["name"] == p.(object)["name"] {
				merged[i] = merge(o, p)
				continue next
			}
		}
		merged = append(merged, p)
	}
	return merged
}

func named(list []any) bool {
	for _, element := range list {
		if o, ok := element.(object); !ok || o["name"] == nil {
			return false
		}
	}
	return true
}
