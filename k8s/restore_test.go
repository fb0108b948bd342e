package k8s_test

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// job is the job of docs/operations.md that restores the volume of a pod.
type job struct {
	header `yaml:",inline"`
	Spec   struct {
		BackoffLimit int `yaml:"backoffLimit"`
		Template     struct {
			Spec jobPod `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type jobPod struct {
	RestartPolicy   string           `yaml:"restartPolicy"`
	AutomountToken  *bool            `yaml:"automountServiceAccountToken"`
	SecurityContext podSecurity      `yaml:"securityContext"`
	InitContainers  []jobContainer   `yaml:"initContainers"`
	Containers      []jobContainer   `yaml:"containers"`
	Volumes         []map[string]any `yaml:"volumes"`
}

type jobContainer struct {
	container `yaml:",inline"`
	Command   []string `yaml:"command"`
}

// The job that docs/operations.md shows runs as the nodes do, moves the data folder of a pod away, and restores a backup into
// it. Its command lines are those of the program.
func TestTheRestoreJobFitsTheManifests(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?m)^    # restore\.yaml\n(?:    .*\n)+`).FindString(string(text))
	var j job
	if err := decodeStrictly([]byte(strings.ReplaceAll("\n"+block, "\n    ", "\n")), &j); err != nil {
		t.Fatalf("docs/operations.md has no restore.yaml: %v", err)
	}
	m := load(t, "base")
	cfg, err := settings(m)
	if err != nil {
		t.Fatal(err)
	}
	pod, claim := j.Spec.Template.Spec, m.Nodes.Spec.VolumeClaimTemplates[0].Metadata.Name
	first := m.Nodes.Metadata.Name + "-0"
	before := cfg.DataDir + "-before"
	nodes := m.pod().SecurityContext
	nodes.FSGroupChangePolicy = ""
	err = cmp.Or(
		differ("containers", fmt.Sprint(len(pod.InitContainers), len(pod.Containers)), "1 1"),
		differ("repetitions after a failure", fmt.Sprint(pod.RestartPolicy, j.Spec.BackoffLimit), "Never0"),
		differ("token of the account", value(pod.AutomountToken), false),
		differ("the security context is that of the nodes", reflect.DeepEqual(pod.SecurityContext, nodes), true),
		differ("volumes", fmt.Sprint(pod.Volumes), fmt.Sprintf("[map[name:%s persistentVolumeClaim:map[claimName:%s-%s]]]", claim, claim, first)),
		differ("first command", strings.Join(pod.InitContainers[0].Command, " "), "mv "+cfg.DataDir+" "+before),
		differ("command", strings.Join(pod.Containers[0].Args, " "), "restore "+path.Dir(cfg.DataDir)+"/backups/monday --data-dir "+cfg.DataDir),
		differ("image", pod.Containers[0].Image, m.container().Image),
	)
	if err != nil {
		t.Error(err)
	}
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		err := cmp.Or(
			differ("privileges", c.SecurityContext.AllowPrivilegeEscalation != nil && !*c.SecurityContext.AllowPrivilegeEscalation, true),
			differ("capabilities dropped", fmt.Sprint(c.SecurityContext.Capabilities.Drop), "[ALL]"),
			differ("folder of the volume", c.mount(claim).MountPath, m.container().mount(claim).MountPath),
		)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}
