package main

// metric is one of several figures that a run yields.
type metric struct{ name, unit string }

// runner is a side whose run yields a figure for each metric.
type runner struct {
	name string
	run  func() ([]float64, error)
}

// byMetric makes a comparison of each metric. Only the first one runs anything;
// the others take their figures from those runs, in the same order.
func byMetric(name string, metrics []metric, runners []runner) []comparison {
	all := make([]comparison, len(metrics))
	for m, metric := range metrics {
		all[m] = comparison{name: metric.name + "-" + name, unit: metric.unit}
	}
	for _, r := range runners {
		var runs [][]float64
		for m := range metrics {
			next := 0
			all[m].sides = append(all[m].sides, side{r.name, func() (float64, error) {
				if m == 0 {
					run, err := r.run()
					if err != nil {
						return 0, err
					}
					runs = append(runs, run)
				}
				if next >= len(runs) {
					return 0, errMissing
				}
				next++
				return runs[next-1][m], nil
			}})
		}
	}
	return all
}
