#include "textflag.h"

// returned is called for what that leaves in the processor's stack of return addresses.
// It goes back by a jump, which takes nothing from there.
TEXT returned<>(SB), NOSPLIT|NOFRAME, $0-0
	POPQ CX
	JMP  CX

// ENTER makes system call 426, io_uring_enter. The Go scheduler is told of it as package syscall and x/sys/unix do.
#define ENTER \
	CALL runtime·entersyscall(SB) \
	MOVL $426, AX \
	MOVL fd+0(FP), DI \
	MOVL toSubmit+4(FP), SI \
	MOVL minComplete+8(FP), DX \
	MOVL flags+12(FP), R10 \
	MOVQ arg+16(FP), R8 \
	MOVQ size+24(FP), R9 \
	SYSCALL \
	MOVQ AX, result+32(FP) \
	CALL runtime·exitsyscall(SB)

// func call(fd, toSubmit, minComplete, flags uint32, arg unsafe.Pointer, size uintptr) (result int)
//
// For callers that are deep in package ring.
TEXT ·call(SB), NOSPLIT|NOFRAME, $0-40
	ENTER
	CALL returned<>(SB)
	CALL returned<>(SB)
	CALL returned<>(SB)
	CALL returned<>(SB)
	CALL returned<>(SB)
	CALL returned<>(SB)
	CALL returned<>(SB)
	CALL returned<>(SB)
	POPQ CX
	JMP  CX

// func callOwned(fd, toSubmit, minComplete, flags uint32, arg unsafe.Pointer, size uintptr) (result int)
//
// For callers that return to the user at once.
TEXT ·callOwned(SB), NOSPLIT|NOFRAME, $0-40
	ENTER
	CALL returned<>(SB)
	CALL returned<>(SB)
	CALL returned<>(SB)
	POPQ CX
	JMP  CX
