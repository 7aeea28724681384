//go:build linux

package main

import (
	"os"
	"syscall"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/signals"
)

// watch follows the signals, which come as completions like all else:
//
//	SIGINT, SIGTERM  end in good order; the second one ends at once
//	SIGUSR1          prints the statistics
//	SIGHUP           writes the files again
type watch struct {
	program *program
	names   []string // what SIGHUP writes
	verbose bool     // says who sent the signal
}

func (w *watch) start() {
	w.program.queue(signals.Watch(syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGHUP).
		WithPriority(ops.Highest), w)
}

func (w *watch) complete(c *ops.Completion) {
	s := signals.Of(c)
	if s == nil || c.Err() != nil {
		w.program.fail(c.Err())
		return
	}
	if w.verbose {
		warnf("%v", s)
	}
	p := w.program
	switch s.Signo {
	case syscall.SIGUSR1:
		p.stats.print(os.Stderr, p.ring)
	case syscall.SIGHUP:
		if p.cat != nil && p.signal == 0 {
			p.cat.names = append(p.cat.names, w.names...)
		}
	default:
		p.interrupt(s.Signo)
	}
}
