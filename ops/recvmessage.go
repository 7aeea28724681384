package ops

import (
	"encoding/binary"
	"fmt"
)

// MessageRoom says what RecvmsgMulti receives besides the data. It takes up room
// at the start of each buffer: 16 bytes, 128 more for an address, and Control.
type MessageRoom struct {
	Addr    bool // the sender's address, for sockets that are not connected
	Control int  // bytes of ancillary data
}

// RecvShape is the argument of a RecvmsgMulti request, which makes it. Any number
// of requests can use it at a time.
type RecvShape struct {
	room  MessageRoom
	group BufferGroup
	header
}

func newRecvShape(room MessageRoom, g BufferGroup) *RecvShape {
	s := &RecvShape{room: room, group: g}
	s.layOut()
	return s
}

func (s *RecvShape) addrRoom() int {
	if s.room.Addr {
		return len(Sockaddr{}.Data)
	}
	return 0
}

// Message is what RecvmsgMulti has received. Its slices lie in the buffer that the
// completion has borrowed: they are good until Release.
type Message struct {
	Data    []byte
	Control []byte // see unix.ParseSocketControlMessage
	// Flags are those of recvmsg(2), such as unix.MSG_TRUNC for data and
	// unix.MSG_CTRUNC for ancillary data that did not fit.
	Flags int

	name []byte
}

// Source fills a with the address that m came from, and returns it. Its Len is 0
// when the protocol told none.
func (m *Message) Source(a *Sockaddr) *Sockaddr {
	a.Reset()
	a.Len = uint32(copy(a.Data[:], m.name))
	return a
}

// The kernel's struct io_uring_recvmsg_out: four words ahead of address, ancillary
// data and data.
const (
	recvOut        = 16
	recvOutName    = 0
	recvOutControl = 4
	recvOutFlags   = 12
)

// Message returns the message that a RecvmsgMulti completion brought. It fails on
// completions of other operations, and on those that report an error.
func (c *Completion) Message() (Message, error) {
	l := c.loan()
	if l == nil {
		if err := c.Err(); err != nil {
			return Message{}, err
		}
		return Message{}, Invalid("the completion of a %s has borrowed no message", c.Code)
	}
	shape, ok := l.Arg.(*RecvShape)
	buf := c.borrowed(l)
	if !ok || len(buf) < recvOut+shape.addrRoom()+shape.room.Control {
		return Message{}, fmt.Errorf("message: %w", Invalid("%d bytes of a %s are none", len(buf), c.Code))
	}
	name := min(int(binary.NativeEndian.Uint32(buf[recvOutName:])), shape.addrRoom())
	control := min(int(binary.NativeEndian.Uint32(buf[recvOutControl:])), shape.room.Control)
	m := Message{Flags: int(binary.NativeEndian.Uint32(buf[recvOutFlags:]))}
	rest := buf[recvOut:]
	m.name, rest = rest[:name], rest[shape.addrRoom():]
	m.Control, m.Data = rest[:control], rest[shape.room.Control:]
	return m, nil
}
