//go:build linux

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/sluicego/sluice/ring"
)

// stats counts what the program has done, for -stats and -progress.
type stats struct {
	begin   time.Time
	files   int   // operands that were written, or reported
	written int64 // bytes on standard output

	accepted int // connections
	most     int // open at a time
	refused  int // whose target could not be reached
	broken   int // that ended with an error
	up, down int64
}

func (s *stats) opened(open int) {
	s.accepted++
	s.most = max(s.most, open)
}

func (s *stats) print(w io.Writer, r *ring.Ring) {
	took := time.Since(s.begin)
	fmt.Fprintf(w, "time         %v\n", took.Round(time.Millisecond))
	fmt.Fprintf(w, "files        %d, %s, %s/s\n", s.files, size(s.written), size(rate(s.written, took)))
	fmt.Fprintf(w, "connections  %d, at most %d at a time, %d refused, %d broken\n",
		s.accepted, s.most, s.refused, s.broken)
	fmt.Fprintf(w, "proxied      %s up, %s down\n", size(s.up), size(s.down))
	info, rs := r.Info(), r.Stats()
	fmt.Fprintf(w, "engine       %v (%s), kernel %s, pinned %t\n",
		info.Engine, info.Reason, info.Kernel, info.Pinned)
	fmt.Fprintf(w, "ring         %d requests, %d completed, %d system calls\n",
		rs.Submitted, rs.Completed, rs.Enters)
}

func rate(bytes int64, took time.Duration) int64 {
	return int64(float64(bytes) / max(took.Seconds(), 1e-9))
}

// size formats a number of bytes for people.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}
