package main

import (
	"testing"
	"unsafe"

	"github.com/pawelgaczynski/giouring"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
)

// Where giouring encodes an operation as liburing does (decision 0001), so do we.
func TestSQEsAgainstGiouring(t *testing.T) {
	const data = 0x1234
	buf := make([]byte, 100)
	at := uintptr(unsafe.Pointer(&buf[0]))
	remove := ops.Unlink("/nowhere")
	path := uintptr(unsafe.Pointer(&remove.Buf[0]))
	for _, c := range []struct {
		name   string
		ours   ops.Request
		theirs func(*giouring.SubmissionQueueEntry)
	}{
		{"nop", ops.Nop(), func(q *giouring.SubmissionQueueEntry) { q.PrepareNop() }},
		{"read", ops.Read(3, buf, 7), func(q *giouring.SubmissionQueueEntry) { q.PrepareRead(3, at, 100, 7) }},
		{"read on", ops.Read(3, buf, ops.Current), func(q *giouring.SubmissionQueueEntry) { q.PrepareRead(3, at, 100, ^uint64(0)) }},
		{"write", ops.Write(3, buf, 7), func(q *giouring.SubmissionQueueEntry) { q.PrepareWrite(3, at, 100, 7) }},
		{"fsync", ops.Fsync(3), func(q *giouring.SubmissionQueueEntry) { q.PrepareFsync(3, 0) }},
		{"fdatasync", ops.Fdatasync(3), func(q *giouring.SubmissionQueueEntry) { q.PrepareFsync(3, giouring.FsyncDatasync) }},
		{"fallocate", ops.Fallocate(3, 1, 5, 9), func(q *giouring.SubmissionQueueEntry) { q.PrepareFallocate(3, 1, 5, 9) }},
		{"close", ops.Close(3), func(q *giouring.SubmissionQueueEntry) { q.PrepareClose(3) }},
		{"send", ops.Send(3, buf, unix.MSG_MORE), func(q *giouring.SubmissionQueueEntry) { q.PrepareSend(3, at, 100, unix.MSG_MORE) }},
		{"recv", ops.Recv(3, buf, unix.MSG_PEEK), func(q *giouring.SubmissionQueueEntry) { q.PrepareRecv(3, at, 100, unix.MSG_PEEK) }},
		{"shutdown", ops.Shutdown(3, unix.SHUT_WR), func(q *giouring.SubmissionQueueEntry) { q.PrepareShutdown(3, unix.SHUT_WR) }},
		{"splice", ops.Splice(3, 5, 4, 6, 100, unix.SPLICE_F_MORE), func(q *giouring.SubmissionQueueEntry) {
			q.PrepareSplice(3, 5, 4, 6, 100, unix.SPLICE_F_MORE)
		}},
		{"tee", ops.Tee(3, 4, 100, 0), func(q *giouring.SubmissionQueueEntry) { q.PrepareTee(3, 4, 100, 0) }},
		{"poll", readiness.Once(3, readiness.In), func(q *giouring.SubmissionQueueEntry) { q.PreparePollAdd(3, unix.POLLIN) }},
		{"unlink", remove, func(q *giouring.SubmissionQueueEntry) { q.PrepareUnlink(path, 0) }},
		{"socket", ops.Socket(unix.AF_INET, unix.SOCK_STREAM, 0), func(q *giouring.SubmissionQueueEntry) {
			q.PrepareSocket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0, 0)
		}},
		{"accept", ops.Accept(3, 0), func(q *giouring.SubmissionQueueEntry) { q.PrepareAccept(3, 0, 0, unix.SOCK_CLOEXEC) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ours uring.SQE
			var theirs giouring.SubmissionQueueEntry
			uring.Encode(&ours, &c.ours, data)
			c.theirs(&theirs)
			theirs.UserData = data
			if got := *(*uring.SQE)(unsafe.Pointer(&theirs)); got != ours {
				t.Errorf("giouring has %+v, we have %+v", got, ours)
			}
		})
	}
}
