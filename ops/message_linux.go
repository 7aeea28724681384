package ops

import "golang.org/x/sys/unix"

// header is the kernel's view of a Msg.
type header struct {
	msghdr unix.Msghdr
}

// SendHeader lays m out for sendmsg(2) and returns the header that engines hand
// to the kernel. It is m's own; the next call overwrites it.
func (m *Msg) SendHeader() *unix.Msghdr {
	m.layOut()
	if m.Addr != nil {
		m.msghdr.Namelen = m.Addr.Len
	}
	return &m.msghdr
}

// RecvHeader is SendHeader for recvmsg(2): the whole of Addr may be filled.
func (m *Msg) RecvHeader() *unix.Msghdr {
	m.layOut()
	if m.Addr != nil {
		m.Addr.Reset()
		m.msghdr.Namelen = m.Addr.Len
	}
	return &m.msghdr
}

// layOut starts from the exported fields each time, because the kernel has
// overwritten lengths and flags when a header was used before.
func (m *Msg) layOut() {
	m.load(m.Buffers)
	m.msghdr = unix.Msghdr{}
	if len(m.iov) > 0 {
		m.msghdr.Iov = &m.iov[0]
		m.msghdr.SetIovlen(len(m.iov))
	}
	if m.Addr != nil {
		m.msghdr.Name = &m.Addr.Data[0]
	}
	if len(m.Control) > 0 {
		m.msghdr.Control = &m.Control[0]
		m.msghdr.SetControllen(len(m.Control))
	}
}

// Source returns Addr, now holding the address that a received message came
// from; nil when Addr was nil. Its Len is 0 when the protocol told none.
func (m *Msg) Source() *Sockaddr {
	if m.Addr != nil {
		m.Addr.Len = min(m.msghdr.Namelen, uint32(len(m.Addr.Data)))
	}
	return m.Addr
}

// Ancillary returns the part of Control that a received message filled. Linux 6.17 adds a
// message of type SCM_INQ to what comes through io_uring from UNIX streams.
func (m *Msg) Ancillary() []byte {
	return m.Control[:min(uint64(m.msghdr.Controllen), uint64(len(m.Control)))]
}

// Received returns the flags of a received message, such as unix.MSG_TRUNC for
// data and unix.MSG_CTRUNC for ancillary data that did not fit (recvmsg(2)).
func (m *Msg) Received() int { return int(m.msghdr.Flags) }

// layOut prepares the header of which the kernel reads the lengths alone.
func (s *RecvShape) layOut() {
	s.msghdr.Namelen = uint32(s.addrRoom())
	s.msghdr.SetControllen(s.room.Control)
}

// Header returns the header that engines hand to the kernel. It does not change.
func (s *RecvShape) Header() *unix.Msghdr { return &s.msghdr }
