package k8s_test

import (
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

// fromDownwardAPI are stand-ins for what Kubernetes fills in.
func fromDownwardAPI() map[string]string {
	return map[string]string{"metadata.name": "flowring-0", "status.podIP": "10.0.0.1"}
}

// variableOf returns the environment variable of a field of node.Config: HTTPAddr is FLOWRING_HTTP_ADDR.
func variableOf(field string) string {
	for _, boundary := range []string{`([A-Z])([A-Z][a-z])`, `([a-z])([A-Z])`} {
		field = regexp.MustCompile(boundary).ReplaceAllString(field, "${1}_${2}")
	}
	return prefix + strings.ToUpper(field)
}

// settings returns the configuration that the container's environment asks for, as node.New accepts it.
func settings(c *container) (node.Config, error) {
	cfg := node.Default("")
	for _, v := range c.Env {
		value := v.Value
		if path := v.ValueFrom.FieldRef.FieldPath; path != "" {
			value = fromDownwardAPI()[path]
		}
		if err := set(&cfg, v.Name, value); err != nil {
			return cfg, fmt.Errorf("%s=%s: %w", v.Name, value, err)
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
		"Name": "FLOWRING_NAME", "HTTPAddr": "FLOWRING_HTTP_ADDR", "GossipKeyFile": "FLOWRING_GOSSIP_KEY_FILE",
		"BootstrapExpect": "FLOWRING_BOOTSTRAP_EXPECT", "ID": "FLOWRING_ID", "DataDir": "FLOWRING_DATA_DIR",
	}
	for field, want := range tests {
		if got := variableOf(field); got != want {
			t.Errorf("variableOf(%s) = %s, want %s", field, got, want)
		}
	}
}
