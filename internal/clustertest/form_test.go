package clustertest

import (
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
)

func TestThreeNodesFormAndAnswer(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := New(t, Options{Copies: 3})
		defer c.Close()
		c.Start("a", "b", "c")
		begun := time.Now()
		if err := c.WaitReady(30 * time.Second); err != nil {
			t.Fatal(err)
		}
		t.Logf("ready after %v", time.Since(begun))
		client := c.Client("10.0.0.1")
		defer client.CloseIdleConnections()
		url := "http://" + at(c.Addr("a"), HTTPPort) + "/flows"
		body := `[{"src_app":"foo","dest_app":"bar","vpc_id":"vpc-0","bytes_tx":100,"bytes_rx":500,"hour":20}]`
		res, err := client.Post(url, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		t.Log(res.Status, string(text))
		for _, name := range c.Names() {
			res, err := client.Get("http://" + at(c.Addr(name), HTTPPort) + "/flows?hour=20")
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			t.Log(name, res.Status, res.Header.Get("Flowring-Complete"), string(text))
		}
		t.Log(c.Node("a").Addresses())
	})
}

// joinLists are different join lists: one node founds a cluster alone, and the other nodes name it or a node that names
// it.
var joinLists = map[string]map[string][]string{
	"n2 joins n1, n3 joins both":        {"n1": nil, "n2": {"n1"}, "n3": {"n1", "n2"}},
	"the founder has the highest name":  {"n3": nil, "n1": {"n3"}, "n2": {"n3", "n1"}},
	"the founder has the name between":  {"n2": nil, "n3": {"n2"}, "n1": {"n2", "n3"}},
	"each joins the one before":         {"n1": nil, "n2": {"n1"}, "n3": {"n2"}, "n4": {"n3"}},
	"each joins the one after":          {"n4": nil, "n3": {"n4"}, "n2": {"n3"}, "n1": {"n2"}},
	"two lists meet in the founder":     {"n3": nil, "n1": {"n3"}, "n2": {"n1"}, "n5": {"n3"}, "n4": {"n5"}},
	"nobody founds alone, lists differ": {"n1": {"n2"}, "n2": {"n3"}, "n3": {"n1"}},
	"nobody names the lowest name":      {"n1": {"n2"}, "n2": {"n3"}, "n3": {"n2"}},
	"all name the same two of five":     {"n1": {"n3", "n4"}, "n2": {"n3", "n4"}, "n3": {"n3", "n4"}, "n4": {"n3", "n4"}, "n5": {"n3", "n4"}},
	"all name all":                      {"n1": {"n2", "n3"}, "n2": {"n1", "n3"}, "n3": {"n1", "n2"}},
}

// Nodes with any of these lists form one cluster, in any order of their starts and with slow links.
func TestJoinListsThatDifferMakeOneCluster(t *testing.T) {
	for name, lists := range joinLists {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(10) {
				racetest.Bubble(t, func(t *testing.T) { mustFormOne(t, lists, seed+1) })
			}
		})
	}
}

// mustFormOne starts the nodes at random moments, and fails the test unless they form one cluster.
func mustFormOne(t *testing.T, lists map[string][]string, seed uint64) {
	t.Helper()
	c := New(t, Options{Seed: seed, Copies: 1, Join: lists})
	defer c.Close()
	rng := rand.New(rand.NewPCG(seed, 5))
	names := slices.Sorted(maps.Keys(lists))
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	together := rng.IntN(2) == 0
	for _, name := range names {
		c.Start(name)
		for _, other := range c.Running() {
			if other != name && rng.IntN(3) == 0 {
				c.Net.SetLatency(c.Addr(name), c.Addr(other), time.Duration(rng.IntN(150))*time.Millisecond)
			}
		}
		if !together {
			time.Sleep(time.Duration(rng.IntN(4000)) * time.Millisecond)
		}
	}
	err := c.agreed()
	for begun := time.Now(); err != nil && time.Since(begun) < 2*time.Minute; err = c.agreed() {
		time.Sleep(time.Second)
	}
	if err == nil {
		return
	}
	clusters := map[string][]string{}
	for _, name := range c.Names() {
		id := c.Node(name).Members().Cluster
		clusters[id] = append(clusters[id], name)
	}
	t.Errorf("seed %d: started as %v, together: %t: clusters %v: %v", seed, names, together, slices.Collect(maps.Values(clusters)), err)
}
