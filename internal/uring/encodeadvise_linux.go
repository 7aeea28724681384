package uring

import (
	"math"

	"github.com/sluicego/sluice/ops"
)

// encodeAdvise adds what operations on ranges of files and memory have beyond
// the common fields: see sync_file_range(2), posix_fadvise(2) and madvise(2).
func encodeAdvise(q *SQE, r *ops.Request) {
	q.OpFlags = r.Flags
	switch r.Code {
	case ops.CodeSyncFileRange:
		q.Off = uint64(r.Offset)
		q.Len = uint32(r.Offset2)
	case ops.CodeFadvise:
		q.Off = uint64(r.Offset)
		q.Len, q.Addr = adviseLen(uint64(r.Offset2))
	case ops.CodeMadvise:
		q.Addr = addrOf(r.Buf)
		q.Len, q.Off = adviseLen(uint64(len(r.Buf)))
	}
}

// adviseLen returns the field for a length and the one for long lengths, of which
// one is zero. Kernels before 6.11 have the first only.
func adviseLen(n uint64) (short uint32, long uint64) {
	if n <= math.MaxUint32 {
		return uint32(n), 0
	}
	return 0, n
}
