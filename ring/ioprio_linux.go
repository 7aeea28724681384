package ring

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// The block layer's classes of priority: see ioprio_set(2). Each has 8 levels, 0
// being the highest; without any, a process is best-effort 4, or what it has set.
const (
	classRealTime   = 1 << 13
	classBestEffort = 2 << 13
)

// ioprioOf holds what each level becomes there. Normal is zero, for which the
// kernel takes the process's own. Nothing is of the idle class, which may wait for
// ever.
var ioprioOf = [ops.Levels]uint16{
	classBestEffort | 7, classBestEffort | 6, 0, classBestEffort | 2, classBestEffort,
}

// urgentIOPrio is that of Highest, where it is permitted.
const urgentIOPrio = classRealTime | 4

// hasIOPrio tells which operations the kernel takes a priority for. Others refuse
// it, or have flags of their own in its place.
var hasIOPrio = [ops.Codes]bool{
	ops.CodeRead: true, ops.CodeWrite: true, ops.CodeReadv: true, ops.CodeWritev: true,
	ops.CodeReadFixed: true, ops.CodeWriteFixed: true, ops.CodeReadvFixed: true, ops.CodeWritevFixed: true,
}

// encode writes a request into a submission entry.
func (r *Ring) encode(q *uring.SQE, s *slot, id uint64) {
	uring.Encode(q, &s.req, id)
	if r.older != (older{}) {
		r.forOlder(q, &s.req)
	}
	if s.req.Priority != ops.Normal && hasIOPrio[s.req.Code] {
		q.Ioprio = r.ioprio(s)
	}
	if s.marks&(plainly|apart|probing) != 0 {
		encodeOtherwise(q, s)
	}
}

func (r *Ring) ioprio(s *slot) uint16 {
	if s.req.Priority == ops.Highest && r.realTime.Load() {
		s.marks |= urgentIO
		return urgentIOPrio
	}
	return ioprioOf[s.req.Priority.Level()]
}

// refusedIOPrio reports whether a request failed because the real-time class was
// refused, which has happened if the process has given up its privileges since New.
// Then none has it any more.
func (r *Ring) refusedIOPrio(s *slot) bool {
	if s.marks&urgentIO == 0 {
		return false
	}
	s.marks &^= urgentIO
	r.realTime.Store(false)
	return true
}

// tryRealTime finds out whether requests may have the real-time class, which takes
// CAP_SYS_NICE, by a read that has it. The ring is new and empty.
func (r *Ring) tryRealTime() error {
	fd, err := unix.Eventfd(1, unix.EFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	defer unix.Close(fd)
	count := make([]byte, 8)
	req := ops.Read(fd, count, ops.Current)
	res, err := r.ask(func(q *uring.SQE) {
		uring.Encode(q, &req, udNop)
		q.Ioprio = urgentIOPrio
	})
	r.realTime.Store(res == int32(len(count))) // EPERM without leave
	return err
}
