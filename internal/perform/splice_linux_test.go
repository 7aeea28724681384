package perform

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// A splice whose input comes in the moment in which it is found empty does not wait
// for its output, which is ready: no edge would come.
func TestSpliceWaitsForWhatIsNotReady(t *testing.T) {
	in, feed := pipe(t, unix.O_NONBLOCK)
	drain, out := pipe(t, unix.O_NONBLOCK)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = unix.Write(feed, []byte{1}) // EAGAIN: it is full
			}
		}
	}()
	var buf [1 << 12]byte
	waits := 0
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
		switch _, next := callOf(t, ops.Splice(in, ops.Current, out, ops.Current, len(buf), 0)).Try(); next {
		case WaitOut:
			require.Fail(t, "the output was ready")
		case WaitInput:
			waits++
		}
		_, _ = unix.Read(drain, buf[:]) // EAGAIN: nothing came
	}
	close(stop)
	<-stopped
	require.NotZero(t, waits)
}
