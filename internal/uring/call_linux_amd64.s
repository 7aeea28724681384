#include "textflag.h"

// func call(fd, toSubmit, minComplete, flags uint32, arg unsafe.Pointer, size uintptr) (result int)
//
// The Go scheduler is told of the call as package syscall and x/sys/unix tell it. It
// returns by a jump, since RET would be sought in what the kernel has left of the
// processor's stack of return addresses.
TEXT ·call(SB), NOSPLIT|NOFRAME, $0-40
	CALL runtime·entersyscall(SB)
	MOVL $426, AX // SYS_IO_URING_ENTER
	MOVL fd+0(FP), DI
	MOVL toSubmit+4(FP), SI
	MOVL minComplete+8(FP), DX
	MOVL flags+12(FP), R10
	MOVQ arg+16(FP), R8
	MOVQ size+24(FP), R9
	SYSCALL
	MOVQ AX, result+32(FP)
	CALL runtime·exitsyscall(SB)
	POPQ CX
	JMP  CX
