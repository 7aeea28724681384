package ring_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// From Submit to Wait the frequent operations allocate nothing, alone and in
// batches, whether they complete at once or have to wait.
func TestNoAllocations(t *testing.T) {
	countsAllocations(t)
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{})
		in, out := pipe(t)
		a, b := socketpair(t, 0)
		buf := make([]byte, 1)
		dst := make([]ops.Completion, 64)
		var tag any = "tag"
		await := func(n int) {
			for n > 0 {
				k, err := r.Wait(dst, n, ring.Forever)
				if err != nil {
					panic(err)
				}
				n -= k
			}
		}
		start := func(req ops.Request) {
			if _, err := r.Submit(req); err != nil {
				panic(err)
			}
		}
		for name, f := range map[string]func(){
			"nop":   func() { start(ops.Nop().WithTag(tag)); await(1) },
			"timer": func() { start(ops.Timer(0)); await(1) },
			"read and write": func() {
				start(ops.Read(in, buf, ops.Current)) // waits
				start(ops.Write(out, buf, ops.Current))
				await(2)
			},
			"send and receive": func() {
				start(ops.Recv(a, buf, 0).WithPriority(ops.High))
				start(ops.Send(b, buf, 0).WithPriority(ops.Low))
				await(2)
			},
			"poll": func() {
				start(readiness.Once(out, readiness.Out))
				await(1)
			},
			"poll that waits": func() {
				start(readiness.Once(in, readiness.In))
				_, _ = unix.Write(out, buf)
				await(1)
				_, _ = unix.Read(in, buf)
			},
			"timeout": func() {
				start(ops.Read(in, buf, ops.Current).WithTimeout(patience))
				start(ops.Write(out, buf, ops.Current).WithTimeout(patience))
				await(2)
			},
			"sleep": func() { start(ops.Timer(1000)); await(1) },
			"batch": func() {
				for i := range 50 {
					_, _ = r.Queue(ops.Nop().WithPriority(ops.Priority(i%ops.Levels) + ops.Lowest))
				}
				await(50)
			},
			"post": func() { _, _ = r.Post(tag, ops.High); await(1) },
			"wake": func() { r.Wake(); _, _ = r.Wait(dst, 1, ring.Forever) },
			"do": func() {
				if _, err := r.Do(context.Background(), ops.Nop()); err != nil {
					panic(err)
				}
			},
		} {
			for range 100 {
				f()
			}
			assert.Zero(t, testing.AllocsPerRun(100, f), name)
		}
	})
}
