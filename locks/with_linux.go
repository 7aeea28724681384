package locks

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// Doer performs a request and returns its completion. A *ring.Ring is one.
type Doer interface {
	Do(ctx context.Context, req ops.Request) (ops.Completion, error)
}

// With opens path, as os.OpenFile does with flags (0 is os.O_RDONLY) and mode, takes
// its flock, runs f, unlocks and closes. It waits for the lock as long as ctx lets
// it. The error is that of the step that failed, or f's. f must not close the file;
// it may hand out duplicates, whose lock ends with f all the same.
//
// Its requests are no chain: flock(2) takes an ordinary descriptor, and a later member
// of a chain could only name a direct one before the open is done. Little is lost by
// that, since only the open enters the ring: a free lock is taken and given up by a
// system call each.
func With(ctx context.Context, r Doer, path string, flags int, mode os.FileMode, t ops.LockType, f func(*os.File) error) (err error) {
	c, err := r.Do(ctx, ops.Open(path, flags|unix.O_CLOEXEC, uint32(mode.Perm())))
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(c.FD()), path)
	defer func() { err = errors.Join(err, file.Close()) }()
	fd := c.FD()
	if _, err := r.Do(ctx, Flock(fd, t).Keeping(file)); err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	// A duplicate that somebody made keeps the lock beyond the close.
	defer func() {
		_, e := r.Do(context.Background(), Flock(fd, Unlock).Keeping(file))
		err = errors.Join(err, e)
	}()
	return f(file)
}
