package clustertest

import (
	"time"

	"flowring/internal/clustertest/scenario"
)

// Scenario is a history as text.
type Scenario = scenario.Scenario

// ParseScenario splits a text into steps.
func ParseScenario(text string) Scenario { return scenario.Parse(text) }

func ms(text string) time.Duration { return scenario.MS(text) }
