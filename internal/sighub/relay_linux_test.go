//go:build linux && (amd64 || arm64) && !sluice_plainsignals

package sighub

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// pretendForked ends the program by a signal that the handler must not relay.
func pretendForked() {
	req := ops.Request{Code: ops.CodeSignal, Arg: ops.SignalsOf(syscall.SIGUSR1)}
	Signals.Start(1, &req, make(sink, 1))
	relay.pid = 1
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), syscall.SIGUSR1)
	time.Sleep(time.Second)
	os.Exit(0)
}

func TestUnmap(t *testing.T) {
	for _, code := range []int32{0, 1, 6, siKernel, siQueue, siTimer, siTkill, -60, -1000, -codeReach, codeReach - 1} {
		for via := range syscall.Signal(ops.MaxSignal + 1) {
			mapped := relayBase + int32(via)<<viaShift + code
			assert.Negative(t, mapped)
			assert.NotEqual(t, int32(siTkill), mapped)
			original, v, ok := unmap(mapped)
			assert.True(t, ok)
			assert.Equal(t, code, original)
			assert.Equal(t, via, v)
		}
	}
	for _, code := range []int32{0, siQueue, siTkill, -60, siKernel, -1 << 31, 1<<31 - 1} {
		same, _, ok := unmap(code)
		assert.False(t, ok)
		assert.Equal(t, code, same)
	}
}
