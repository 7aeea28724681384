//go:build linux && (amd64 || arm64) && !sluice_plainsignals

package sighub

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// asHub runs f by a hub whose goroutine is f's, so that each of its steps can be made at
// the moment that matters.
func asHub(t *testing.T, f func(h *Hub)) {
	require.Eventually(t, func() bool {
		Signals.mu.Lock()
		defer Signals.mu.Unlock()
		return !Signals.running // the handler works for one hub at a time
	}, 10*time.Second, time.Millisecond)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and ends the thread with the goroutine
		if unix.Gettid() == os.Getpid() {
			asHub(t, f) // by another thread
			runtime.UnlockOSThread()
			return
		}
		h := &Hub{watches: map[key]*watch{}}
		if !assert.NoError(t, h.sys.start()) {
			return
		}
		h.running = true
		defer h.sys.stop()
		f(h)
	}()
	<-done
}

// toItself sends sig n times to another thread than the hub's, which handles each.
func toItself(t *testing.T, sig syscall.Signal, n int) {
	sent := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		var err error
		for range n {
			if err == nil {
				err = unix.Tgkill(os.Getpid(), unix.Gettid(), sig)
			}
		}
		sent <- err
	}()
	assert.NoError(t, <-sent)
}

// What was carried for a watch that opened after the hub had looked for the watches there
// are does not merge.
func TestCarriedForNewWatch(t *testing.T) {
	asHub(t, func(h *Hub) {
		s := make(sink, 100)
		before := h.sys.plan
		req := ops.Request{Code: ops.CodeSignal, Mode: ops.Multishot, Arg: ops.SignalsOf(syscall.SIGUSR1)}
		_, done := h.Start(1, &req, s)
		assert.False(t, done)
		toItself(t, syscall.SIGUSR1, 10)
		if info := h.sys.read(&before); assert.NotNil(t, info) {
			h.deliver(&before, info)
		}
		h.drain()
		assert.Len(t, s, 10)
		h.Cancel(1, s)
		h.finishEnding()
	})
}

// Nor does what was carried merge when signals are given back that nobody reads.
func TestCarriedDuringSweep(t *testing.T) {
	asHub(t, func(h *Hub) {
		s := make(sink, 100)
		for id, sig := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2} {
			req := ops.Request{Code: ops.CodeSignal, Mode: ops.Multishot, Arg: ops.SignalsOf(sig)}
			_, done := h.Start(uint64(id), &req, s)
			assert.False(t, done)
		}
		h.Cancel(1, s)
		h.finishEnding()
		assert.Len(t, s, 1, "the end of the watch")
		toItself(t, syscall.SIGUSR1, 10)
		assert.True(t, h.retired.Has(syscall.SIGUSR2))
		h.sweep()
		h.drain()
		assert.Len(t, s, 11)
		h.Cancel(0, s)
		h.finishEnding()
	})
}
