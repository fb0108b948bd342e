package layout_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// unit is the systemd unit of docs.
const unit = "docs/flowring.service"

// unitSettings returns the settings of the unit's sections; of one that is there several times, the last.
func unitSettings(t *testing.T) map[string]string {
	t.Helper()
	settings := map[string]string{}
	for line := range strings.Lines(read(t, unit)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(name, "#") {
			settings[name] = value
		}
	}
	return settings
}

// TestTheUnitLetsANodeStopGracefully: a stop may take 25 s (cmd/flowring), and SIGTERM begins it.
func TestTheUnitLetsANodeStopGracefully(t *testing.T) {
	settings := unitSettings(t)
	within, err := time.ParseDuration(settings["TimeoutStopSec"])
	if err != nil || within < 30*time.Second {
		t.Errorf("TimeoutStopSec=%s (%v), want 30s or more", settings["TimeoutStopSec"], err)
	}
	for name, want := range map[string]string{
		"Type": "exec", "KillSignal": "SIGTERM", "Restart": "on-failure", "RestartPreventExitStatus": "2", "LimitNOFILE": "1048576",
		"StateDirectory": "flowring", "DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict",
	} {
		if settings[name] != want {
			t.Errorf("%s=%s, want %s", name, settings[name], want)
		}
	}
	if command := settings["ExecStart"]; !strings.Contains(command, " --data-dir /var/lib/"+settings["StateDirectory"]) {
		t.Errorf("ExecStart=%s, want its data folder to be the StateDirectory", command)
	}
}

// TestSystemdAcceptsTheUnit asks systemd itself, about a copy that starts a program of this machine.
func TestSystemdAcceptsTheUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(read(t, unit), "/usr/local/bin/flowring serve", program, 1)
	name := filepath.Join(t.TempDir(), filepath.Base(unit))
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", name).CombinedOutput()
	if strings.Contains(string(out), filepath.Base(unit)) { // it also tells of other units of the machine
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
