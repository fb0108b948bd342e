package node_test

import (
	"strings"
	"testing"

	"flowring/node"
	"flowring/router/principal"
)

// Any node takes the calls of operators for any node, with the scope admin: it drains another node, and forgets the
// store of a node that is gone.
func TestAnyNodeDrainsAndForgets(t *testing.T) {
	folder := t.TempDir()
	token, line := principal.New("operator", principal.Admin)
	c := newCluster(t, 4, func(cfg *node.Config) {
		cfg.ReplicationFactor = 2
		cfg.TokensFile = tokensFile(t, folder, line)
	})
	c.formed("n1", "n2", "n3", "n4")
	lost := c.member("n4").Store
	for _, tt := range []struct {
		path, token string
		want        int
		detail      string
	}{
		{"/admin/drain?node=n3", "", 401, "no token"},
		{"/admin/drain?node=n9", token, 404, "no such node (nodes: n1, n2, n3, n4)"},
		{"/admin/forget?store=0a", token, 404, "no such store"},
		{"/admin/forget?store=" + lost, token, 409, "answers: drain it instead"},
		{"/admin/forget?store=" + c.member("n1").Store, token, 409, "drain it instead"},
		{"/admin/drain?node=n3", token, 200, "{}"},
	} {
		if status, answer := c.request("POST", "n1", tt.path, tt.token, ""); status != tt.want || !strings.Contains(answer, tt.detail) {
			t.Errorf("POST %s = %d %s, want %d with %q", tt.path, status, answer, tt.want, tt.detail)
		}
	}
	c.kill("n3")
	c.kill("n4")
	if status, answer := c.request("POST", "n2", "/admin/forget?store="+lost+"&force=true", token, ""); status != 200 {
		t.Errorf("forget the store of n4 = %d %s, want 200", status, answer)
	}
	for _, m := range c.nodes["n2"].Members().Members {
		if m.Name == "n3" || m.Name == "n4" {
			t.Errorf("%s is still a member", m.Name)
		}
	}
	if !strings.Contains(c.nodes["n1"].log.last(1000), "audit=true call=/admin/drain for=\"node=n3\" principal=operator") {
		t.Error("the log of n1 has no line with audit=true for the drain")
	}
}
