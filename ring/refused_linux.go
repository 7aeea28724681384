package ring

import (
	"syscall"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

// The list of opcodes does not tell everything: commands and multishot modes came
// later than their opcodes, and a ring may be restricted. What the kernel refuses for
// such a reason goes another way, if by its errno nothing has happened yet, and if
// the other way gives the same errno should the reason be another (trap 43).

// commands are the operations of the opcode URING_CMD.
var commands = [ops.Codes]bool{
	ops.CodeGetsockopt: true, ops.CodeSetsockopt: true, ops.CodeSocketInq: true, ops.CodeSocketOutq: true,
	ops.CodeSocketName: true,
}

// oneByOne are the operations whose multishot mode came later, and which a Ring can
// hand over once for each completion as well.
var oneByOne = [ops.Codes]bool{ops.CodeAccept: true, ops.CodeRecv: true}

// refused reports whether a request that has failed goes another way.
func (r *Ring) refused(id uint64, s *slot, res int32) bool {
	if s.marks&apart != 0 {
		return false
	}
	switch syscall.Errno(-res) {
	case syscall.EOPNOTSUPP:
		// The kernel has no such command, or the file has none.
		return commands[s.req.Code] && r.goApart(id, s)
	case syscall.EINVAL:
		// Before 5.19 (accept) and 6.0 (recv) it was an unknown flag.
		if oneByOne[s.req.Code] && s.marks&(multi|plainly) == multi {
			s.marks |= plainly
			r.repeat(id, s)
			return true
		}
	case syscall.EACCES:
		// The ring is restricted, or the process lacks a permission.
		if s.marks&managed == 0 && !r.permitted[s.req.Code] {
			s.marks |= probing
			r.repeat(id, s)
			return true
		}
	}
	return false
}

// probed handles the answer to an entry that has nothing but the opcode of s, which
// had failed with EACCES. A ring whose restrictions forbid it gives the same again; else
// something is missing in it.
func (r *Ring) probed(id uint64, s *slot, res int32) {
	s.marks &^= probing
	code := s.req.Code
	if res != eacces {
		r.permitted[code] = true
	} else if op, _ := uring.Opcode(code); s.marks&canceling == 0 {
		r.routes[code] = otherRoute(code, op, func(uring.Op) bool { return true })
		r.ways[code] = roundabout
		if r.routes[code] == viaCompanion && r.goApart(id, s) {
			return
		}
	}
	r.finish(id, s, eacces, 0)
}

const eacces = -int32(syscall.EACCES)

// encodeOtherwise changes the entry of a request that goes another way.
func encodeOtherwise(q *uring.SQE, s *slot) {
	if s.marks&probing != 0 {
		*q = uring.SQE{Opcode: q.Opcode, FD: -1, UserData: q.UserData}
		return
	}
	uring.Plain(q)
}
