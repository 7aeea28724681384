//go:build linux

package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// signalled is the tag of a signal that has come.
type signalled struct {
	program *program
	signal  syscall.Signal
}

func (s *signalled) complete(*ops.Completion) { s.program.interrupt(s.signal) }

// watchSignals turns SIGINT and SIGTERM into completions of the ring, ahead of
// all others. The goroutine ends with the program.
func watchSignals(r *ring.Ring, p *program) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for s := range signals {
			tag := &signalled{p, s.(syscall.Signal)}
			if _, err := r.Post(tag, ops.Highest); err != nil {
				return // the ring is closed: the program is ending
			}
		}
	}()
}
