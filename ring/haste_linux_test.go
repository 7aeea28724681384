package ring_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// Requests of low levels are held back while an urgent read is in the kernel, and not
// for longer than a millisecond if that one waits without end.
func TestUrgentReadHoldsBack(t *testing.T) {
	eachMode(t, func(t *testing.T, newRing maker) {
		r := newRing(ring.Config{InFlight: 8})
		in, out := pipe(t)
		for _, p := range []ops.Priority{ops.Low, ops.Lowest} {
			start := time.Now()
			submit(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithPriority(ops.High).WithTag("urgent"))
			require.NoError(t, r.Flush())
			submit(t, r, ops.Nop().WithPriority(p).WithTag("low"))
			assert.Equal(t, "low", takeOne(t, r).Tag)
			assert.GreaterOrEqual(t, time.Since(start), time.Millisecond)
			submit(t, r, ops.Nop().WithPriority(p).WithTag("low"))
			assert.Equal(t, "low", takeOne(t, r).Tag)
			write(t, out, "x")
			assert.Equal(t, "urgent", takeOne(t, r).Tag)
		}
	})
}

// Of those that are held back, some go after as many others as ageing promises, unless
// Config.Strict is set.
func TestHeldBackAges(t *testing.T) {
	for _, strict := range []bool{false, true} {
		eachMode(t, func(t *testing.T, newRing maker) {
			r := newRing(ring.Config{InFlight: 8, Strict: strict})
			in, out := socketpair(t, 0) // not a pipe: before 6.4 the kernel leaves those to its workers
			const urgent = 200
			queue(t, r, ops.Write(out, []byte("l"), ops.Current).WithPriority(ops.Low))
			for range urgent {
				queue(t, r, ops.Write(out, []byte("."), ops.Current).WithPriority(ops.Highest))
			}
			text := make([]byte, urgent+1)
			join := during(t, func() { // a socket that is a quarter full does not count as ready
				for n := 0; n < len(text); {
					k, err := unix.Read(in, text[n:])
					if !assert.NoError(t, err) {
						return
					}
					n += k
				}
			})
			take(t, r, urgent+1)
			join()
			at := strings.IndexByte(string(text), 'l')
			if strict {
				assert.Equal(t, urgent, at)
			} else {
				assert.LessOrEqual(t, at, ring.Patience+8, string(text))
			}
		})
	}
}

// While urgent reads or writes come, a Wait of the owner that returns has not handed over
// low ones that it has made room for: its caller may have another urgent one.
func TestWaitLeavesRoomForUrgent(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.String(), func(t *testing.T) {
			r, err := ring.New(ring.Config{Engine: engine, Pinned: true, InFlight: 3})
			require.NoError(t, err)
			defer closeRing(t, r)
			in, out := pipe(t)
			// inKernelAfter returns how many there are when a nop has left its place to a read.
			inKernelAfter := func() int {
				queue(t, r, ops.Nop().WithPriority(ops.Low).WithTag("nop"))
				queue(t, r, ops.Read(in, make([]byte, 1), ops.Current).WithPriority(ops.Low).WithTag("read"))
				require.Equal(t, "nop", takeOne(t, r).Tag)
				return r.Stats().InKernel
			}
			next := func() {
				write(t, out, "x")
				require.Equal(t, "read", takeOne(t, r).Tag)
			}
			assert.Equal(t, 1, inKernelAfter())
			next()
			for {
				start := time.Now()
				submit(t, r, ops.Write(out, []byte("x"), ops.Current).WithPriority(ops.High))
				takeOne(t, r)
				_, err := unix.Read(in, make([]byte, 1))
				require.NoError(t, err)
				got := inKernelAfter()
				if time.Since(start) < time.Second { // so long it is remembered
					assert.Equal(t, 0, got)
					break
				}
				next()
			}
			assert.Equal(t, 1, inKernel(t, r))
			next()
			if engine == ring.IOURing && !testkit.KernelHas("5.18") {
				return // a first FD would wait for the poll of the owner
			}
			// In another loop, nobody calls Wait before the descriptor is readable.
			_, err = r.FD()
			require.NoError(t, err)
			assert.Equal(t, 1, inKernelAfter())
			next()
		})
	}
}
