package metrics

// retentionMetrics is the table of the metrics of the hours that the cluster keeps.
func retentionMetrics() []metric {
	return []metric{
		{gauge, "retention_seconds", "The retention of this node; 0: it keeps all hours.",
			func(s Sample) float64 { return float64(s.Retention.Keep) }},
		{gauge, "retention_closed_hour", "Hours below take no new request; 0: all hours are open.",
			func(s Sample) float64 { return float64(s.Retention.Closed) }},
		{gauge, "retention_expired_hour", "Hours below are deleted; 0: none is.",
			func(s Sample) float64 { return float64(s.Retention.Expired) }},
		{gauge, "retention_next_closed_hour", "The hour to which retention_closed_hour rises next; 0: no raise is announced.",
			func(s Sample) float64 { return float64(s.Retention.Next.Hour) }},
		{gauge, "retention_next_closed_seconds", "The least time until that raise.",
			func(s Sample) float64 { return float64(s.Retention.Next.In) }},
		{gauge, "retention_next_expired_hour", "The hour to which retention_expired_hour rises next; 0: no raise waits.",
			func(s Sample) float64 { return float64(s.Retention.Removal.Hour) }},
		{gauge, "retention_next_expired_seconds", "The least time until that raise.",
			func(s Sample) float64 { return float64(s.Retention.Removal.In) }},
		{gauge, "erased_ranges", "Separate ranges of hours that are erased, or are being erased.",
			func(s Sample) float64 { return float64(s.Erasures.Ranges) }},
		{counter, "erased_ranges_refusals_total", "Erasures refused here for the number of separate ranges.",
			func(s Sample) float64 { return float64(s.Erasures.Refused) }},
	}
}
