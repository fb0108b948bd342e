package k8s_test

import (
	"cmp"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"flowring/node"
)

const prefix = "FLOWRING_"

// longestNamespace has the most bytes that Kubernetes allows in a namespace.
var longestNamespace = strings.Repeat("n", 63)

// fromDownwardAPI returns stand-ins for the values that Kubernetes fills in, by field path.
func fromDownwardAPI(pod metadata) map[string]string {
	values := map[string]string{"metadata.name": "flowring-0", "metadata.namespace": longestNamespace, "status.podIP": "10.0.0.1"}
	for key, value := range pod.Labels {
		values["metadata.labels['"+key+"']"] = value
	}
	return values
}

// environment returns the value of each variable of the container, as the kubelet computes it: $(NAME) is replaced by the
// value of a variable that stands above it, and stays where there is none.
func environment(m *manifests) map[string]string {
	env, fields := map[string]string{}, fromDownwardAPI(m.Nodes.Spec.Template.Metadata)
	reference := regexp.MustCompile(`\$\(\w+\)`)
	for _, v := range m.container().Env {
		if path := v.ValueFrom.FieldRef.FieldPath; path != "" {
			env[v.Name] = fields[path]
			continue
		}
		env[v.Name] = reference.ReplaceAllStringFunc(v.Value, func(r string) string {
			return cmp.Or(env[r[2:len(r)-1]], r)
		})
	}
	return env
}

// variableOf returns the environment variable of a field of node.Config: HTTPAddr is FLOWRING_HTTP_ADDR.
func variableOf(field string) string {
	for _, boundary := range []string{`([A-Z])([A-Z][a-z])`, `([a-z])([A-Z])`, `(TLS)([A-Z])`} {
		field = regexp.MustCompile(boundary).ReplaceAllString(field, "${1}_${2}")
	}
	return prefix + strings.ToUpper(field)
}

// settings returns the configuration that the container's environment asks for, as node.New accepts it.
func settings(m *manifests) (node.Config, error) {
	cfg := node.Default("")
	for name, value := range environment(m) {
		if !strings.HasPrefix(name, prefix) {
			continue // the program does not read it
		}
		if err := set(&cfg, name, value); err != nil {
			return cfg, fmt.Errorf("%s=%s: %w", name, value, err)
		}
	}
	if cfg.WriteQuorum == 0 {
		cfg.WriteQuorum = cfg.ReplicationFactor/2 + 1
	}
	if cfg.BootstrapExpect == 0 {
		cfg.BootstrapExpect = len(cfg.Join) + 1
	}
	_, err := node.New(cfg, node.Deps{Log: slog.New(slog.DiscardHandler)})
	return cfg, err
}

func set(cfg *node.Config, variable, value string) error {
	switch variable {
	case prefix + "LOG_LEVEL", prefix + "LOG_FORMAT", prefix + "CONFIG": // the program's, not the node's
		return nil
	}
	fields := reflect.ValueOf(cfg).Elem()
	for i := range fields.NumField() {
		if variableOf(fields.Type().Field(i).Name) == variable {
			return setField(fields.Field(i), value)
		}
	}
	return fmt.Errorf("not a setting of the program")
}

func setField(field reflect.Value, value string) error {
	switch field.Interface().(type) {
	case string:
		field.SetString(value)
	case bool:
		on, err := strconv.ParseBool(value)
		if err != nil {
			return err
		}
		field.SetBool(on)
	case []string:
		field.Set(reflect.ValueOf(strings.Split(value, ",")))
	case int, int64:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return err
		}
		field.SetInt(n)
	default:
		return fmt.Errorf("a setting of type %s", field.Type())
	}
	return nil
}

func TestVariablesAreNamedAfterFields(t *testing.T) {
	tests := map[string]string{
		"Name": "FLOWRING_NAME", "HTTPAddr": "FLOWRING_HTTP_ADDR", "GossipKeysFile": "FLOWRING_GOSSIP_KEYS_FILE",
		"BootstrapExpect": "FLOWRING_BOOTSTRAP_EXPECT", "ID": "FLOWRING_ID", "DataDir": "FLOWRING_DATA_DIR",
	}
	for field, want := range tests {
		if got := variableOf(field); got != want {
			t.Errorf("variableOf(%s) = %s, want %s", field, got, want)
		}
	}
}
