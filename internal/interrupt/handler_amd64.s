//go:build linux

#include "textflag.h"

// The signal's handler does nothing: that it runs is what ends a system call.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0
	RET

// The handler returns here: rt_sigreturn(2), which every handler on amd64 has to
// bring along.
TEXT restorer<>(SB), NOSPLIT|NOFRAME, $0
	MOVQ $15, AX
	SYSCALL
	INT  $3 // not reached

// func handlerPC() uintptr
TEXT ·handlerPC(SB), NOSPLIT, $0-8
	LEAQ handler<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func restorerPC() uintptr
TEXT ·restorerPC(SB), NOSPLIT, $0-8
	LEAQ restorer<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET
