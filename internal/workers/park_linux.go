package workers

import "github.com/sluicego/sluice/internal/goid"

// Parked is a worker whose job has given up its slot.
type Parked worker

// Park is called by a goroutine that is about to wait for requests. If it is a
// worker, its job's slot goes to another job until Unpark. Otherwise Park returns
// nil, on which Unpark does nothing.
//
// It may be called with a Ring's lock held.
func Park() *Parked {
	if population.Load() == 0 {
		return nil
	}
	return park()
}

func park() *Parked {
	v, ok := byGoroutine.Load(goid.Current())
	if !ok {
		return nil
	}
	w := v.(*worker)
	if w.task == nil {
		return nil // it delivers a result; its slot is free already
	}
	w.parked++
	if w.parked > 1 {
		return (*Parked)(w)
	}
	p := w.pool
	p.mu.Lock()
	p.stats.Running--
	p.stats.Waiting++
	p.dispatch()
	p.mu.Unlock()
	return (*Parked)(w)
}

// Unpark takes a slot again, without waiting for one.
func (k *Parked) Unpark() {
	if k != nil {
		k.unpark()
	}
}

func (k *Parked) unpark() {
	k.parked--
	if k.parked > 0 {
		return
	}
	p := k.pool
	p.mu.Lock()
	p.stats.Running++
	p.stats.Waiting--
	p.mu.Unlock()
}
