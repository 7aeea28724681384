package interrupt

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// needs skips a test where calls cannot be interrupted.
func needs(t *testing.T) {
	t.Helper()
	if !Supported {
		t.Skip("no interruptions on " + runtime.GOARCH)
	}
}

// blockedRead reads from fd until c is interrupted, and returns what ended it.
func blockedRead(c *Call, fd int) (err error) {
	var b [1]byte
	err = unix.EINTR // if it is interrupted before it begins
	c.Run(func() {
		for !c.Interrupted() {
			if _, err = unix.Read(fd, b[:]); err != unix.EINTR {
				return
			}
		}
	})
	return err
}

func pipe(t *testing.T) (r, w int) {
	t.Helper()
	var p [2]int
	require.NoError(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
	t.Cleanup(func() { unix.Close(p[0]); unix.Close(p[1]) })
	return p[0], p[1]
}

// Interruptions at any moment end the read, those just before it included: trap 36.
func TestInterruptAtAnyMoment(t *testing.T) {
	needs(t)
	fd, _ := pipe(t)
	var c Call
	for i := range 500 {
		done := make(chan error)
		go func() { done <- blockedRead(&c, fd) }()
		time.Sleep(time.Duration(i%50) * 5 * time.Microsecond)
		c.Interrupt()
		if err := <-done; err != nil { // nil: it had not begun to read
			require.ErrorIs(t, err, unix.EINTR)
		}
		c.Reset()
	}
}

// Nobody else sees the signals: trap 37.
func TestOthersAreNotInterrupted(t *testing.T) {
	needs(t)
	fd, _ := pipe(t)
	var others sync.WaitGroup
	var ends []int
	for range 4 {
		r, w := pipe(t)
		others.Add(1)
		go func() {
			defer others.Done()
			var b [1]byte
			n, err := unix.Read(r, b[:])
			if n != 1 || err != nil {
				t.Errorf("read: %d, %v", n, err)
			}
		}()
		ends = append(ends, w)
	}
	defer func() {
		for _, w := range ends {
			_, _ = unix.Write(w, []byte{1})
		}
		others.Wait()
	}()
	for range 200 {
		var c Call
		done := make(chan error)
		go func() {
			err := blockedRead(&c, fd)
			// On whatever thread this goroutine goes on, no signal is left over.
			if e := unix.Nanosleep(&unix.Timespec{Nsec: 1000}, nil); e != nil {
				t.Errorf("nanosleep: %v", e)
			}
			done <- err
		}()
		time.Sleep(20 * time.Microsecond)
		c.Interrupt()
		<-done
	}
}

// A handler that was replaced is installed again.
func TestHandlerIsReinstalled(t *testing.T) {
	needs(t)
	fd, _ := pipe(t)
	signal.Ignore(Signal())
	defer signal.Reset(Signal())
	var c Call
	done := make(chan error)
	go func() { done <- blockedRead(&c, fd) }()
	time.Sleep(5 * time.Millisecond)
	c.Interrupt()
	require.ErrorIs(t, <-done, unix.EINTR)
}

// A parent that blocks every signal is no obstacle, and the mask is put back.
func TestBlockedSignalIsLetThrough(t *testing.T) {
	needs(t)
	fd, _ := pipe(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var set, before, after unix.Sigset_t
	addSignal(&set, Signal())
	require.NoError(t, unix.PthreadSigmask(unix.SIG_BLOCK, &set, &before))
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	var c Call
	time.AfterFunc(5*time.Millisecond, c.Interrupt)
	require.ErrorIs(t, blockedRead(&c, fd), unix.EINTR)
	require.NoError(t, unix.PthreadSigmask(unix.SIG_BLOCK, nil, &after))
	require.Equal(t, set.Val[0]&after.Val[0], set.Val[0])
}

func TestInterruptedBeforeItRuns(t *testing.T) {
	var c Call
	c.Interrupt()
	ran := false
	c.Run(func() { ran = true; require.True(t, c.Interrupted()) })
	require.True(t, ran)
}

func TestChoiceOfSignal(t *testing.T) {
	require.ErrorIs(t, UseNumber(int(syscall.SIGINT)), ops.ErrInvalid)
	require.ErrorIs(t, UseNumber(34), ops.ErrInvalid)
	require.ErrorIs(t, UseNumber(65), ops.ErrInvalid)
	testkit.Child(t, func() {
		require.NoError(t, UseNumber(50))
		require.Equal(t, syscall.Signal(50), Signal())
		if !Supported {
			return
		}
		fd, _ := pipe(t)
		var c Call
		time.AfterFunc(time.Millisecond, c.Interrupt)
		require.ErrorIs(t, blockedRead(&c, fd), unix.EINTR)
		require.ErrorIs(t, UseNumber(51), ops.ErrBusy)
		require.NoError(t, UseNumber(50))
	})
}

// Children do not inherit the handler or a mask.
func TestChildrenStartClean(t *testing.T) {
	needs(t)
	fd, _ := pipe(t)
	var c Call
	time.AfterFunc(time.Millisecond, c.Interrupt)
	require.ErrorIs(t, blockedRead(&c, fd), unix.EINTR)
	out, err := exec.Command("grep", "-E", "^Sig(Blk|Cgt):", "/proc/self/status").Output()
	require.NoError(t, err)
	require.NotRegexp(t, `SigBlk:\s+0*[1-9a-f]`, string(out))
}
