package sighub

import (
	"encoding/binary"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// siginfo is the kernel's siginfo_t: 128 bytes (sigaction(2)).
type siginfo [128]byte

// fields is where the union behind the three numbers begins.
const fields = 8 + unsafe.Sizeof(uintptr(0))

// Values of si_code.
const (
	siUser   = 0
	siQueue  = -1
	siTimer  = -2
	siSigio  = -5
	siTkill  = -6
	siKernel = 0x80
	cldLast  = 6 // CLD_CONTINUED
	pollLast = 6 // POLL_HUP
)

func (s *siginfo) int32(at uintptr) int32 {
	return int32(binary.NativeEndian.Uint32(s[at:]))
}

func (s *siginfo) setInt32(at uintptr, v int32) {
	binary.NativeEndian.PutUint32(s[at:], uint32(v))
}

// word reads a long, or a pointer.
func (s *siginfo) word(at uintptr) uint64 {
	if unsafe.Sizeof(uintptr(0)) == 4 {
		return uint64(binary.NativeEndian.Uint32(s[at:]))
	}
	return binary.NativeEndian.Uint64(s[at:])
}

// setWord writes a long, or a pointer; of v its lower half where those have 4 bytes.
func (s *siginfo) setWord(at uintptr, v uint64) {
	if unsafe.Sizeof(uintptr(0)) == 4 {
		binary.NativeEndian.PutUint32(s[at:], uint32(v))
		return
	}
	binary.NativeEndian.PutUint64(s[at:], v)
}

// mips has si_code and si_errno the other way round.
func codeAt() (code, errno uintptr) {
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		return 4, 8
	}
	return 8, 4
}

func (s *siginfo) signo() syscall.Signal { return syscall.Signal(s.int32(0)) }

func (s *siginfo) code() int32 {
	at, _ := codeAt()
	return s.int32(at)
}

func (s *siginfo) setCode(c int32) {
	at, _ := codeAt()
	s.setInt32(at, c)
}

// layout is which of the members of siginfo's union is in use.
type layout uint8

const (
	layoutKill  layout = iota // pid, uid
	layoutQueue               // pid, uid, value
	layoutTimer               // timer, overrun, value
	layoutPoll                // band, fd
	layoutChild               // pid, uid, status, times
)

// layoutOf follows the kernel's siginfo_layout.
func layoutOf(sig syscall.Signal, code int32) layout {
	switch {
	case code == siTimer:
		return layoutTimer
	case code == siSigio:
		return layoutPoll
	case code < 0:
		return layoutQueue
	case code == siUser || code >= siKernel:
		return layoutKill
	case sig == unix.SIGCHLD && code <= cldLast:
		return layoutChild
	case code <= pollLast:
		return layoutPoll // F_SETSIG gives any signal these codes
	}
	return layoutKill
}

// decode makes an Info of s.
func (s *siginfo) decode() *ops.SignalInfo {
	_, errno := codeAt()
	i := &ops.SignalInfo{Signo: s.signo(), Code: s.code(), Errno: s.int32(errno)}
	switch layoutOf(i.Signo, i.Code) {
	case layoutTimer:
		i.Timer, i.Overrun = s.int32(fields), s.int32(fields+4)
		i.Value = s.word(fields + 8)
	case layoutPoll:
		i.Band = int64(s.word(fields))
		i.FD = s.int32(fields + unsafe.Sizeof(uintptr(0)))
	case layoutChild:
		i.Pid, i.UID = s.int32(fields), uint32(s.int32(fields+4))
		i.Status = s.int32(fields + 8)
		at := fields + 8 + max(4, unsafe.Sizeof(uintptr(0)))
		i.UserTime, i.SystemTime = int64(s.word(at)), int64(s.word(at+unsafe.Sizeof(uintptr(0))))
	case layoutQueue:
		i.Pid, i.UID = s.int32(fields), uint32(s.int32(fields+4))
		i.Value = s.word(fields + 8)
	default:
		i.Pid, i.UID = s.int32(fields), uint32(s.int32(fields+4))
	}
	return i
}
