//go:build linux

#include "textflag.h"

// The signal's handler does nothing: that it runs is what ends a system call. It
// returns into the kernel's own code in the vDSO.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0
	RET

// func handlerPC() uintptr
TEXT ·handlerPC(SB), NOSPLIT, $0-8
	MOVD $handler<>(SB), R0
	MOVD R0, ret+0(FP)
	RET

// func restorerPC() uintptr
TEXT ·restorerPC(SB), NOSPLIT, $0-8
	MOVD ZR, ret+0(FP)
	RET
