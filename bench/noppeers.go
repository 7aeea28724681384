package main

import (
	"fmt"
	"runtime"
	"syscall"

	iouring "github.com/iceber/iouring-go"
	"github.com/pawelgaczynski/giouring"
)

// nopsByGiouring does what c/nop.c does, with a port of liburing.
func nopsByGiouring(batch, n int) ([]float64, error) {
	runtime.LockOSThread() // the ring and its registered descriptor are the thread's
	defer runtime.UnlockOSThread()
	r := giouring.NewRing()
	if err := r.QueueInit(256, giouring.SetupSingleIssuer|giouring.SetupDeferTaskrun); err != nil {
		return nil, err
	}
	defer r.QueueExit()
	if _, err := r.RegisterRingFd(); err != nil {
		return nil, err
	}
	var seen, failed int
	look := func(c *giouring.CompletionQueueEvent) {
		if c.Res < 0 {
			failed++
		}
		seen++
	}
	before := cpuTime()
	for done := 0; done < n; done += batch {
		for i := range batch {
			q := r.GetSQE()
			q.PrepareNop()
			q.UserData = uint64(i)
		}
		for seen = 0; seen < batch; {
			if _, err := r.SubmitAndWait(uint32(batch - seen)); err != nil && err != syscall.EINTR { // for a signal of the runtime
				return nil, err
			}
			before := seen
			r.ForEachCQE(look)
			r.CQAdvance(uint32(seen - before))
		}
	}
	if failed != 0 {
		return nil, fmt.Errorf("%d nops failed", failed)
	}
	return []float64{float64(n) / (cpuTime() - before).Seconds()}, nil
}

// nopsByIouringGo submits a batch in one call and receives its results from a channel.
func nopsByIouringGo(batch, n int) ([]float64, error) {
	r, err := iouring.New(256)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	reqs := make([]iouring.PrepRequest, batch)
	for i := range reqs {
		reqs[i] = iouring.Nop()
	}
	results := make(chan iouring.Result, batch)
	n = max(n/8, batch) // it takes as much longer
	before := cpuTime()
	for done := 0; done < n; done += batch {
		if _, err := r.SubmitRequests(reqs, results); err != nil {
			return nil, err
		}
		for range batch {
			if err := (<-results).Err(); err != nil {
				return nil, err
			}
		}
	}
	return []float64{float64(n) / (cpuTime() - before).Seconds()}, nil
}
