package yardstick

import (
	"context"
	"errors"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
)

// errNoQueries is the answer to every query: the yardstick measures the writes and GETs of one hour.
var errNoQueries = errors.New("the yardstick answers no queries")

// Query implements router.Cluster.
func (m *memory) Query(context.Context, *query.Spec, contract.Ask) (contract.Rows, error) {
	return nil, errNoQueries
}

// Hours implements router.Cluster.
func (m *memory) Hours(context.Context, flow.Hour, flow.Hour, contract.Ask) (contract.Hours, error) {
	return contract.Hours{}, errNoQueries
}

// Names implements router.Cluster.
func (m *memory) Names(context.Context, contract.NamesAsk) (contract.Names, error) {
	return contract.Names{}, errNoQueries
}
