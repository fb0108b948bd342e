package settings

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const envPrefix = "FLOWRING_"

// TargetVariable is the environment variable with the targets of the client commands. It is no setting.
const TargetVariable = envPrefix + "TARGET"

// TokenFileVariable is the environment variable with the token file of the client commands. It is no setting.
const TokenFileVariable = envPrefix + "TOKEN_FILE"

// assignment is the text of one source for one setting.
type assignment struct {
	setting setting
	text    string
	from    string // place for errors: "--join", "FLOWRING_JOIN", "flowring.yaml:3: join"
}

// given is the value of a flag. It keeps its texts, so that the flag is checked like the other sources.
type given struct {
	value // default, for the help text
	texts []string
}

// Set keeps the text.
func (g *given) Set(text string) error {
	g.texts = append(g.texts, text)
	return nil
}

// AddFlags adds a flag for each setting.
func AddFlags(fs *pflag.FlagSet) {
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(cmp.Or(earlier[name], name))
	})
	d := Default()
	for _, s := range all() {
		flag := fs.VarPF(&given{value: s.value(&d)}, s.name, "", s.help)
		if _, is := s.value(&d).(switchValue); is {
			flag.NoOptDefVal = "true" // for a flag without a value
		}
	}
}

// Load returns the settings. For each setting the first of flag, environment variable and settings file decides.
// unknown has the environment variables with the prefix of settings and an unknown name.
func Load(fs *pflag.FlagSet, environ []string) (s Settings, unknown []string, err error) {
	flags := fromFlags(fs)
	env, unknown := fromEnviron(environ)
	file, err := fromFile(slices.Concat(env, flags))
	if err != nil {
		return Settings{}, nil, err
	}
	s = Default()
	for _, a := range slices.Concat(file, env, flags) {
		if err := a.setting.value(&s).Set(a.text); err != nil {
			return Settings{}, nil, fmt.Errorf("%s: %w", a.from, err)
		}
	}
	return s, unknown, s.complete()
}

// fromFlags returns the assignments of the command line. A repeated flag makes a list. For a setting that is no list
// its last flag counts, as is the custom.
func fromFlags(fs *pflag.FlagSet) []assignment {
	var as []assignment
	for _, s := range all() {
		flag := fs.Lookup(s.name)
		if flag == nil || !flag.Changed {
			continue
		}
		g := flag.Value.(*given)
		text := g.texts[len(g.texts)-1]
		if s.list() {
			text = strings.Join(g.texts, ",")
		}
		as = append(as, assignment{s, text, "--" + s.name})
	}
	return as
}

// list reports whether the setting is a list.
func (s setting) list() bool {
	_, ok := s.value(&Settings{}).(listValue)
	return ok
}

// fromEnviron returns the assignments of the environment. An empty variable counts as not set, because Compose and CI
// files commonly leave a variable out in this way.
func fromEnviron(environ []string) (as []assignment, unknown []string) {
	known := map[string]setting{}
	for _, s := range all() {
		known[s.env()] = s
	}
	for old, name := range earlier {
		known[setting{name: old}.env()], _ = lookup(name)
	}
	for _, variable := range environ {
		name, text, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, envPrefix) || text == "" {
			continue
		}
		if s, ok := known[name]; ok {
			as = append(as, assignment{s, text, name})
		} else if name != TargetVariable && name != TokenFileVariable && !injected(name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return as, unknown
}

// injected reports whether Kubernetes may have set the variable for a Service named flowring or flowring-*.
func injected(name string) bool {
	const service, port = `_SERVICE_HOST$|_SERVICE_PORT(_|$)`, `_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$`
	return regexp.MustCompile(service + "|" + port).MatchString(name)
}
