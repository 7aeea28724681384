package ring

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/sluicego/sluice/ops"
)

// directs is the Ring's table of direct descriptors. The kernel picks from its
// first places for requests of ops.IntoDirect; those behind are the Ring's own, for
// ops.ReadFile. Ring.mu guards it.
type directs struct {
	made bool
	read *fileReads
}

// needDirects makes the table if there is none.
func (r *Ring) needDirects() error {
	if r.res.files.made {
		return nil
	}
	noTable := fmt.Errorf("direct descriptors: %w: want kernel 6.0", ops.ErrNotSupported)
	if r.older.noTable {
		return noTable
	}
	if r.cfg.Pinned && !r.owner.isCaller() {
		return fmt.Errorf("%w: the first use of direct descriptors, unless Config.DirectFiles is set", ops.ErrWrongThread)
	}
	size := uint32(r.cfg.DirectFiles)
	err := r.u.RegisterFilesSparse(size + readPlaces)
	if err == nil {
		if err = r.u.RegisterFileAllocRange(0, size); err != nil {
			err = errors.Join(err, r.u.UnregisterFiles())
		}
	}
	switch {
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("%w: %d direct descriptors are more than RLIMIT_NOFILE allows: raise it, or lower Config.DirectFiles",
			err, size+readPlaces)
	case errors.Is(err, syscall.EINVAL):
		return noTable
	case err != nil:
		return err
	}
	r.res.files.made = true
	r.res.files.read = newFileReads(size)
	return nil
}

// closeDirects closes what the table holds, at once: the kernel would take its
// time. Nothing uses it any more.
func (r *Ring) closeDirects() error {
	if !r.res.files.made {
		return nil
	}
	r.res.files.made = false
	return r.u.UnregisterFiles()
}
