package clustertest

import (
	"fmt"
	"io"
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
		fmt.Println(c.Node("a").Addresses())
	})
}
