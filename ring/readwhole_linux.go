package ring

import (
	"context"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/fallback"
	"github.com/sluicego/sluice/ops"
)

// call returns a request for a worker to read the file, however large it is. It is
// not for os.ReadFile, which nothing ends where the file is a FIFO.
func (job *fileJob) call() ops.Request {
	return fallback.Interruptible(func(ctx context.Context) (n int, err error) {
		job.big, err = readWhole(ctx, job.data.Path)
		return 0, err
	})
}

// readWhole is os.ReadFile until ctx ends.
func readWhole(ctx context.Context, path string) (all []byte, err error) {
	fd, err := untilEnd(ctx, func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd) // it was only read
	for size := 4096; ; size *= 2 {
		all = slices.Grow(all, size)
		n, err := untilEnd(ctx, func() (int, error) { return unix.Read(fd, all[len(all):cap(all)]) })
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: path, Err: err}
		}
		if n == 0 {
			return all, nil
		}
		all = all[:len(all)+n]
	}
}

// untilEnd repeats a call that was interrupted, unless ctx has ended.
func untilEnd(ctx context.Context, call func() (int, error)) (int, error) {
	for ctx.Err() == nil {
		if n, err := call(); err != unix.EINTR {
			return n, err
		}
	}
	return 0, context.Cause(ctx)
}
