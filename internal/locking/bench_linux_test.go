package locking

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// BenchmarkHolds asks the kernel which locks a descriptor has.
func BenchmarkHolds(b *testing.B) {
	fd, err := unix.MemfdCreate("locks", unix.MFD_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Flock(fd, unix.LOCK_SH); err != nil {
		b.Fatal(err)
	}
	op := operation{code: ops.CodeFlock, fd: int32(fd), end: toEnd}
	b.ReportAllocs()
	for b.Loop() {
		if !op.holds() {
			b.Fatal("it has a lock")
		}
	}
}
