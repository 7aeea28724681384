//go:build linux

package uring

import (
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// Restriction is one rule of struct io_uring_restriction.
type Restriction struct {
	// Kind is a Restriction constant.
	Kind uint16
	// Arg is the Register operation, the Op, or the SQEFlag bits that Kind is about.
	Arg uint8
	_   uint8
	_   [3]uint32
}

// RegisterRestrictions limits what the ring will ever do. The ring must still be
// disabled (Options.Disabled), else EBADFD. IORING_REGISTER_RESTRICTIONS,
// Linux 5.10. EBUSY: there are rules already.
func (r *Ring) RegisterRestrictions(rules []Restriction) error {
	var p runtime.Pinner
	defer p.Unpin()
	_, err := r.register(RegisterRestrictions, "restrictions", first(&p, rules), uint32(len(rules)))
	return err
}

// EnableRings starts a ring of Options.Disabled. With SetupSingleIssuer the
// calling thread becomes its owner. IORING_REGISTER_ENABLE_RINGS, Linux 5.10.
// EBADFD: it is not disabled.
func (r *Ring) EnableRings() error {
	_, err := r.register(RegisterEnableRings, "enable rings", nil, 0)
	return err
}

// RegisterEventFD has the kernel signal the eventfd fd for each completion; with
// async only for those that did not end while they were being submitted.
// IORING_REGISTER_EVENTFD, Linux 5.2, and EVENTFD_ASYNC, 5.6. EBUSY: there is
// one already.
func (r *Ring) RegisterEventFD(fd int32, async bool) error {
	op := uint32(RegisterEventFD)
	if async {
		op = RegisterEventFDAsync
	}
	_, err := r.register(op, "eventfd", unsafe.Pointer(&fd), 1)
	return err
}

// UnregisterEventFD undoes RegisterEventFD. IORING_UNREGISTER_EVENTFD,
// Linux 5.2. ENXIO: there is none.
func (r *Ring) UnregisterEventFD() error {
	_, err := r.register(UnregisterEventFD, "eventfd (undo)", nil, 0)
	return err
}

// RegisterPersonality remembers the calling thread's credentials and returns
// their id for SQE.Personality (trap 45). IORING_REGISTER_PERSONALITY, Linux 5.6.
func (r *Ring) RegisterPersonality() (uint16, error) {
	id, err := r.register(RegisterPersonality, "personality", nil, 0)
	return uint16(id), err
}

// UnregisterPersonality forgets credentials. IORING_UNREGISTER_PERSONALITY,
// Linux 5.6. EINVAL: no such id.
func (r *Ring) UnregisterPersonality(id uint16) error {
	_, err := r.register(UnregisterPersonality, "personality (undo)", nil, uint32(id))
	return err
}

// RegisterClock chooses the clock of timed waits in Enter: CLOCK_MONOTONIC, the
// default, or CLOCK_BOOTTIME. IORING_REGISTER_CLOCK, Linux 6.12.
func (r *Ring) RegisterClock(clockid uint32) error {
	arg := [4]uint32{clockid}
	_, err := r.register(RegisterClock, "clock", unsafe.Pointer(&arg), 0)
	return err
}

// NAPI is the busy-polling setting of struct io_uring_napi.
type NAPI struct {
	// BusyPoll is how long to poll the network device, in microseconds.
	BusyPoll uint32
	// Prefer is SO_PREFER_BUSY_POLL, 0 or 1.
	Prefer uint8
	_      [3]uint8
	_      uint64
}

// RegisterNAPI turns busy polling on and returns the setting before.
// IORING_REGISTER_NAPI, Linux 6.9. EINVAL: the kernel has no CONFIG_NET_RX_BUSY_POLL.
func (r *Ring) RegisterNAPI(n NAPI) (NAPI, error) {
	_, err := r.register(RegisterNAPI, "napi", unsafe.Pointer(&n), 1)
	return n, err
}

// UnregisterNAPI turns busy polling off and returns the setting before.
// IORING_UNREGISTER_NAPI, Linux 6.9.
func (r *Ring) UnregisterNAPI() (n NAPI, err error) {
	_, err = r.register(UnregisterNAPI, "napi (undo)", unsafe.Pointer(&n), 1)
	return n, err
}

// syncCancel is struct io_uring_sync_cancel_reg.
type syncCancel struct {
	addr    uint64
	fd      int32
	flags   uint32
	timeout timespec
	opcode  uint8
	pad     [7]uint8
	pad2    [3]uint64
}

// SyncCancel cancels requests and waits until they are gone: those with
// userData, or those that the Cancel bits in flags choose by fd or op. timeout
// below zero waits without end. IORING_REGISTER_SYNC_CANCEL, Linux 6.0 (op:
// 6.6). ENOENT: nothing matches; ETIME: they are still there; EINTR: a signal
// came, and they may still be there. It returns how many were found where the
// kernel says so.
func (r *Ring) SyncCancel(userData uint64, fd int32, flags uint32, op Op, timeout time.Duration) (int, error) {
	arg := syncCancel{addr: userData, fd: fd, flags: flags, opcode: op, timeout: timespec{-1, -1}}
	if timeout >= 0 {
		timeout = min(timeout, longest)
		arg.timeout = timespec{int64(timeout / time.Second), int64(timeout % time.Second)}
	}
	return r.register(RegisterSyncCancel, "sync cancel", unsafe.Pointer(&arg), 1)
}

// SendMsgRing carries out the MSG_RING entry e at once, from a thread that has
// no ring: SQE.FD names the target ring. Only MsgData works.
// IORING_REGISTER_SEND_MSG_RING, Linux 6.13.
func SendMsgRing(e *SQE) error {
	if e.Opcode != OpMsgRing {
		return syscall.EINVAL
	}
	_, err := register(noRing, RegisterSendMsgRing, "send msg_ring", unsafe.Pointer(e), 1)
	return err
}
