package ops

import "golang.org/x/sys/unix"

// EpollEvents is the argument of EpollWait: room for events. It belongs to the
// kernel until the terminal completion.
type EpollEvents struct {
	List []unix.EpollEvent
}

// EpollWait returns a request that completes when the epoll instance epfd has
// events, and stores as many as fit into events, like epoll_wait(2). N is their
// number, never 0. events belongs to the kernel until the terminal completion; an
// empty one is refused with ErrInvalid. It lets a program whose descriptors are
// registered with an epoll instance wait for them along with everything else.
// Packages that wait for descriptors themselves are better served by readiness.
//
// The kernel may report a registration that was removed after the event came:
// look into your own tables. EINVAL tells that epfd is no epoll instance.
//
// Native from kernel 6.15 (io_uring_prep_epoll_wait(3)).
func EpollWait(epfd int, events []unix.EpollEvent) Request {
	if len(events) == 0 {
		return refuse(CodeEpollWait, "no room for events")
	}
	return Request{Code: CodeEpollWait, FD: fd32(epfd), Arg: &EpollEvents{events}}
}

// EpollCtl returns a request to change what the epoll instance epfd watches, like
// epoll_ctl(2): op is unix.EPOLL_CTL_ADD, EPOLL_CTL_MOD or EPOLL_CTL_DEL, and
// event, which is copied, what to watch fd for. It may be nil for EPOLL_CTL_DEL
// only. Errors are EEXIST, ENOENT and so on, as there.
//
// A descriptor must not be closed before its EPOLL_CTL_DEL has completed: epoll
// then would go on reporting the file, if it is open elsewhere, and could not be
// told to stop.
//
// Native from kernel 5.6 (io_uring_prep_epoll_ctl(3)).
func EpollCtl(epfd, op, fd int, event *unix.EpollEvent) Request {
	r := Request{Code: CodeEpollCtl, FD: fd32(epfd), FD2: fd32(fd), Len: uint32(op)}
	if event != nil {
		own := *event
		r.Arg = &own
	}
	return r
}

// validateEpoll checks the arguments of both.
func (r *Request) validateEpoll() error {
	switch {
	case r.Code == CodeEpollWait:
		if v, ok := r.Arg.(*EpollEvents); !ok || v == nil || len(v.List) == 0 {
			return r.wrong("argument %T: want an *EpollEvents with room", r.Arg)
		}
	case r.Arg == nil:
		if r.Len != unix.EPOLL_CTL_DEL {
			return r.wrong("no event to watch for")
		}
	default:
		if e, ok := r.Arg.(*unix.EpollEvent); !ok || e == nil {
			return r.wrong("argument %T: want a *unix.EpollEvent that is not nil", r.Arg)
		}
	}
	return nil
}
