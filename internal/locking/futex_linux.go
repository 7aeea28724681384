package locking

import (
	"sync/atomic"
	"syscall"

	"github.com/sluicego/sluice/internal/futex"
	"github.com/sluicego/sluice/internal/interrupt"
	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/ops"
)

// This file is the way of futex requests where io_uring has none (before 6.7).

// changed stands for the EAGAIN of a futex, which is a result, and no reason to
// wait.
const changed = Success - 1

// waits numbers the futex waits: each is on its own.
var waits atomic.Uint64

// futexWait is a wait for one word.
type futexWait struct {
	word        *atomic.Uint32
	value, mask uint32
	number      uint64
}

func (f *futexWait) Try() syscall.Errno {
	if f.word.Load() != f.value {
		return changed
	}
	return syscall.EAGAIN
}

// Retry, without a thread, only sees that the value has changed: that it was woken.
func (f *futexWait) Retry() syscall.Errno {
	if f.word.Load() != f.value {
		return 0
	}
	return syscall.EAGAIN
}

func (f *futexWait) Block(c *interrupt.Call) syscall.Errno {
	for !c.Interrupted() {
		switch errno := futex.Wait(f.word, f.value, f.mask, -1); errno {
		case syscall.EINTR:
		case syscall.EAGAIN:
			return changed
		default:
			return errno
		}
	}
	return syscall.EINTR
}

func (f *futexWait) Key() (uint8, uint64) { return alone, f.number }

// futexWaitv is a wait for several words.
type futexWaitv struct {
	vectors *ops.FutexVectors
	number  uint64
}

func (f *futexWaitv) Try() syscall.Errno {
	for i, w := range f.vectors.Words {
		if uint64(w.Load()) != f.vectors.List[i].Value {
			return changed
		}
	}
	return syscall.EAGAIN
}

func (f *futexWaitv) Retry() syscall.Errno {
	for i, w := range f.vectors.Words {
		if uint64(w.Load()) != f.vectors.List[i].Value {
			return Success + syscall.Errno(i)
		}
	}
	return syscall.EAGAIN
}

func (f *futexWaitv) Block(c *interrupt.Call) syscall.Errno {
	for !c.Interrupted() {
		switch i, errno := futex.Waitv(f.vectors); errno {
		case 0:
			return Success + syscall.Errno(i)
		case syscall.EINTR:
		case syscall.EAGAIN:
			return changed
		default:
			return errno
		}
	}
	return syscall.EINTR
}

func (f *futexWaitv) Key() (uint8, uint64) { return alone, f.number }

// wordOf returns what a request waits for.
func wordOf(req *ops.Request) any {
	switch req.Code {
	case ops.CodeFutexWait:
		w, _ := req.Arg.(*atomic.Uint32)
		return &futexWait{w, uint32(req.Offset), uint32(req.Offset2), waits.Add(1)}
	case ops.CodeFutexWaitv:
		v, _ := req.Arg.(*ops.FutexVectors)
		return &futexWaitv{v, waits.Add(1)}
	}
	return req.Arg
}

// futexWake carries out a wake request.
func futexWake(req *ops.Request) outside.Result {
	w, _ := req.Arg.(*atomic.Uint32)
	n, errno := futex.Wake(w, int(min(req.Offset, wakeAll)), uint32(req.Offset2))
	if errno != 0 {
		return outside.Result{Res: -int32(errno)}
	}
	return outside.Result{Res: int32(n)}
}
