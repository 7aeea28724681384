package ring

import (
	"errors"
	"fmt"
	"math"
	"syscall"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// Managed requests (ops.Managed) use or make something that the Ring looks after.
// They hold it from being accepted until their terminal completion is taken, and
// their results are looked at before they are passed on.

// resources are what the Ring has registered with the kernel. Ring.mu guards them.
type resources struct {
	files   directs
	groups  map[uint16]*BufferRing
	bundles bool // the kernel has them
	fixed   fixedTable
	peers   peers
}

// markMode gives a new request the marks that its mode means.
func (r *Ring) markMode(s *slot) {
	if s.req.Mode&ops.Multishot != 0 {
		s.marks |= multi
	}
	if s.req.Mode&ops.Managed != 0 {
		s.marks |= managed
		s.result = noResult
	}
	if s.req.Mode&ops.Bundle != 0 && !r.bundles(&s.req) {
		s.req.Mode &^= ops.Bundle // it fills one buffer at a time
	}
}

// bundles reports whether the kernel can fill several buffers of the group of req. With
// incremental consumption they have wrong bytes in them: seen on Linux 6.16 to 6.19, not
// on 6.12 and from 7.0 on; liburing's issue 1423 has it from 6.13.11 on.
func (r *Ring) bundles(req *ops.Request) bool {
	g, ok := req.Group().(*BufferRing)
	return r.res.bundles && ok && !g.cfg.Incremental
}

// hold takes the resources that req uses, or says why it cannot have them.
func (r *Ring) hold(req *ops.Request) error {
	var err error
	switch req.Code {
	case ops.CodeRead, ops.CodeReadMulti, ops.CodeRecv, ops.CodeRecvmsg:
		err = r.holdGroup(req)
	case ops.CodeReadFixed, ops.CodeWriteFixed, ops.CodeReadvFixed, ops.CodeWritevFixed, ops.CodeSendZC:
		err = r.holdFixed(req)
	case ops.CodeOpen, ops.CodeOpen2, ops.CodeSocket, ops.CodeAccept, ops.CodePipe,
		ops.CodeRegister:
		err = r.needDirects()
	case ops.CodeMessage, ops.CodeSendDirect:
		err = holdInbox(req)
	case ops.CodeReadFile:
		if err = r.needDirects(); err == nil && r.entries < steps {
			err = ops.Invalid("it takes %d places in the submission ring: raise Config.Entries", steps)
		}
	}
	if err != nil {
		return fmt.Errorf("submit %s: %w", req.Code, err)
	}
	return nil
}

// closeResources takes the resources from the kernel that it would not let go of at
// once by itself.
func (r *Ring) closeResources() error {
	if !r.drained() {
		return nil // it may still use their memory
	}
	r.leaveInboxes()
	return errors.Join(r.closeDirects(), r.closeGroups())
}

// closePools gives up the registered memory that is not lent, when the kernel has
// let go of it.
func (r *Ring) closePools() {
	if !r.drained() {
		return
	}
	for _, p := range r.res.fixed.pools {
		p.shut()
	}
}

// holdAll is hold for a group: all of it or nothing.
func (r *Ring) holdAll(reqs []ops.Request) error {
	for i := range reqs {
		if reqs[i].Mode&ops.Managed == 0 {
			continue
		}
		if err := r.hold(&reqs[i]); err != nil {
			for j := range reqs[:i] {
				r.letGo(&reqs[j])
			}
			return fmt.Errorf("request %d of %d: %w", i+1, len(reqs), err)
		}
	}
	return nil
}

// letGo undoes hold.
func (r *Ring) letGo(req *ops.Request) {
	switch {
	case req.Mode&ops.Managed == 0:
	case req.Mode&ops.Select != 0:
		req.Group().(*BufferRing).users--
	default:
		if in, ok := req.Arg.(*Inbox); ok {
			in.letGo()
		}
		req.LetGoFixed()
	}
}

// arriveManaged looks at a result of a managed request. It reports false when there
// is nothing to tell the user yet.
func (r *Ring) arriveManaged(s *slot, res *int32, flags *uint32) bool {
	switch s.req.Code {
	case ops.CodeRead, ops.CodeReadMulti, ops.CodeRecv, ops.CodeRecvmsg:
		*flags = r.arriveSelected(s, *res, *flags)
	case ops.CodeSendZC, ops.CodeSendmsgZC:
		return s.arriveZC(res, flags)
	case ops.CodeRegister:
		if slot, ok := s.req.Arg.(*ops.FileSlot); ok && *res >= 0 {
			*res = slot.FDs[0]
		}
		*flags |= ops.FlagDirect
	case ops.CodeOpen, ops.CodeOpen2, ops.CodeSocket, ops.CodeAccept, ops.CodePipe, ops.CodeSendDirect:
		*flags |= ops.FlagDirect
	}
	return true
}

// arriveZC puts the two results of a zero-copy send together (trap 22): the first
// says how it went, the second that the buffer is free. One that was cancelled in a
// chain has ended at the first, which says so; yet the kernel may post the second.
// Should it be handed over once more, it is as a plain send, so that the second
// result of the first attempt is not taken for its own.
func (s *slot) arriveZC(res *int32, flags *uint32) bool {
	switch {
	case *flags&uring.CQEFlagNotif != 0:
		if s.result == noResult {
			return false
		}
		copied := uint32(*res)&uring.NotifUsageZCCopied != 0
		*res, *flags, s.result = s.result, 0, noResult
		if copied {
			*flags = ops.FlagCopied
		}
	case *flags&uring.CQEFlagMore != 0:
		s.result = *res
		return false
	case *res == ecanceled || *res == -int32(syscall.EINTR):
		s.req.Len = uring.PlainSend
	}
	return true
}

// noResult is what a managed request has to remember at first: nothing.
const noResult = math.MinInt32

// deliverManaged hands over to the user what an arrival has brought, and lets go of
// what the request has used if it is the last.
func (r *Ring) deliverManaged(a *arrival, c *ops.Completion, s *slot) {
	if a.flags&ops.FlagBuffer != 0 {
		a.borrow(c, s)
	}
	if !a.more() {
		r.letGo(&s.req)
	}
}

// settleManaged deals with results that mean something else for managed requests.
// It reports whether that was all.
func (r *Ring) settleManaged(id uint64, s *slot, res int32, flags uint32) bool {
	switch {
	case s.chain != nil:
	case s.req.Mode&ops.Select != 0:
		return r.settleSelected(id, s, res, flags)
	case res == -int32(syscall.EINVAL) && s.req.Len == uring.SendZCReportUsage && (s.req.Code == ops.CodeSendZC || s.req.Code == ops.CodeSendmsgZC):
		s.req.Len = 0 // before 6.2 the kernel does not report what it copied
		r.repeat(id, s)
		return true
	}
	return false
}
