package uring

import "github.com/sluicego/sluice/ops"

// encodePath adds what operations on names of files and on their attributes have
// beyond the common fields: see renameat2(2), unlinkat(2), mkdirat(2),
// symlinkat(2), linkat(2), getxattr(2) and setxattr(2).
func encodePath(q *SQE, r *ops.Request) {
	switch r.Code {
	case ops.CodeUnlink:
		q.Addr = addrOf(r.Buf)
		q.OpFlags = r.Flags
	case ops.CodeMkdir:
		q.Addr = addrOf(r.Buf)
		q.Len = r.Len
	case ops.CodeRename, ops.CodeHardlink, ops.CodeSymlink:
		other, ok := r.Arg.(*ops.SecondPath)
		if !ok {
			q.Opcode = opNone
			return
		}
		q.Addr = addrOf(r.Buf)
		q.Off = addrOf(other.Bytes())
		if r.Code != ops.CodeSymlink {
			q.Len = uint32(r.FD2) // the second path's directory
			q.OpFlags = r.Flags
		}
	case ops.CodeGetxattr, ops.CodeSetxattr, ops.CodeFgetxattr, ops.CodeFsetxattr:
		x, ok := r.Arg.(*ops.Xattr)
		if !ok {
			q.Opcode = opNone
			return
		}
		q.Addr = addrOf(x.Name())
		q.Off = addrOf(r.Buf)
		q.Len = lenOf(r.Buf)
		q.OpFlags = r.Flags
		if x.Path() != nil {
			q.FD = 0
			q.Addr3 = addrOf(x.Path())
		}
	}
}
