package ops

import "golang.org/x/sys/unix"

// native is a list of buffers as the kernel reads it. The pointers in it are
// ordinary ones: they keep the buffers reachable.
type native struct {
	iov []unix.Iovec
}

// load makes the list match bufs. It reuses the array it has.
func (n *native) load(bufs [][]byte) {
	if cap(n.iov) < len(bufs) {
		n.iov = make([]unix.Iovec, len(bufs))
	}
	n.iov = n.iov[:len(bufs)]
	for i, b := range bufs {
		n.iov[i] = unix.Iovec{}
		if len(b) > 0 {
			n.iov[i].Base = &b[0]
			n.iov[i].SetLen(len(b))
		}
	}
}

// Iovecs returns the list that engines hand to the kernel: struct iovec of
// readv(2). It is the Vectors' own, and not to be changed.
func (v *Vectors) Iovecs() []unix.Iovec { return v.iov }
