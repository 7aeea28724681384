//go:build linux

package uring

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkNop measures this layer alone: stage, publish, enter, reap. The time
// is that of a whole batch.
func BenchmarkNop(b *testing.B) {
	for _, mode := range []string{"shared", "pinned"} {
		for _, batch := range []int{1, 8, 32, 128} {
			b.Run(fmt.Sprintf("%s/batch=%d", mode, batch), func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				r, err := Setup(Options{Entries: 128, Pinned: mode == "pinned"})
				if err != nil {
					b.Fatal(err)
				}
				defer r.Close()
				if mode == "pinned" {
					if err := r.RegisterRingFD(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportAllocs()
				for b.Loop() {
					nops(b, r, batch)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch), "ns/nop")
			})
		}
	}
}

func nops(b *testing.B, r *Ring, batch int) {
	for i := range batch {
		*r.SQ.Next() = SQE{Opcode: OpNop, UserData: uint64(i)}
	}
	if _, err := r.Enter(r.SQ.Publish(), uint32(batch), 0, -1, 0); err != nil {
		b.Fatal(err)
	}
	for i := range r.CQ.Ready() {
		if c := r.CQ.At(i); c.UserData != uint64(i) {
			b.Fatal(*c)
		}
	}
	r.CQ.Advance(r.CQ.Ready())
}
