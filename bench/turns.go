package main

import "errors"

// turns measures the sides of a comparison in short turns instead of one after the
// other, so that what else the machine does meets all of them alike.
type turns struct {
	count int // turns that each side has in a round
	// open makes what the sides need, and returns what each does in one turn. The
	// results of all turns are averaged.
	open    func() (sides []func() ([]float64, error), cleanUp func() error, err error)
	kept    [][]float64 // what the round has measured, and not been asked for
	missing []error     // of the sides that cannot run here
}

// side returns what to run for side i: the first to be asked has all measured.
func (t *turns) side(i int) func() ([]float64, error) {
	return func() (v []float64, err error) {
		if len(t.missing) > i && t.missing[i] != nil {
			return nil, t.missing[i]
		}
		if len(t.kept) <= i || t.kept[i] == nil {
			if err := t.measure(); err != nil {
				return nil, err
			}
		}
		v, t.kept[i] = t.kept[i], nil
		return v, t.missing[i]
	}
}

func (t *turns) measure() (err error) {
	sides, cleanUp, err := t.open()
	if err != nil {
		return err
	}
	defer func() {
		if e := cleanUp(); err == nil {
			err = e
		}
	}()
	t.kept, t.missing = make([][]float64, len(sides)), make([]error, len(sides))
	for turn := range t.count {
		for k := range sides {
			i := (k + turn) % len(sides)
			if t.missing[i] != nil {
				continue
			}
			v, err := sides[i]()
			if errors.Is(err, errMissing) {
				t.missing[i] = err
				continue
			}
			if err != nil {
				return err
			}
			if t.kept[i] == nil {
				t.kept[i] = make([]float64, len(v))
			}
			for m := range v {
				t.kept[i][m] += v[m] / float64(t.count)
			}
		}
	}
	return nil
}
