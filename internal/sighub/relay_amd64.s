//go:build linux && !sluice_plainsignals

#include "go_asm.h"
#include "textflag.h"

#define SYS_write 1
#define SYS_rt_sigaction 13
#define SYS_rt_sigreturn 15
#define SYS_getpid 39
#define SYS_gettid 186
#define SYS_tgkill 234
#define SYS_rt_tgsigqueueinfo 297

// handler passes a signal on to the hub's thread. The kernel calls it, on the
// signal stack of any thread, with the signal in DI, siginfo in SI and ucontext
// in DX, and all signals blocked. When it returns, rt_sigreturn restores every
// register from the frame, so none has to be preserved. TLS, from which the
// runtime's own handler loads g, is not touched.
//
// What stays across system calls: BX relay, R12 signal, R13 siginfo, R8 ucontext,
// R9 si_code, R14 the process.
TEXT ·handler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	LEAQ ·relay(SB), BX
	LOCK
	INCQ relayState_busy(BX)
	MOVL DI, R12
	MOVQ SI, R13
	MOVQ DX, R8
	MOVL 8(R13), R9

	MOVL $SYS_getpid, AX
	SYSCALL
	MOVL AX, R14
	CMPL AX, relayState_pid(BX)
	JNE  forked
	MOVL relayState_hub(BX), SI
	TESTL SI, SI
	JZ   again

	// Private si_code. What is too far from zero goes as it is: the kernel takes
	// it if it is negative.
	MOVL R14, DI
	MOVL R12, DX
	MOVQ R13, R10
	LEAL const_codeReach(R9), AX
	CMPL AX, $(2*const_codeReach)
	JHS  far
	LEAL const_relayBase(R9), AX

	// Signals that are to travel as the carrier have their number in si_code.
	MOVBLZX relayState_carry(BX)(R12*1), CX
	TESTL CX, CX
	JZ   private
	MOVL R12, CX
	SHLL $const_viaShift, CX
	ADDL CX, AX
	MOVL $const_carrier, DX
private:
	MOVL AX, 8(R13)
send:
	MOVL $SYS_rt_tgsigqueueinfo, AX
	SYSCALL
	TESTQ AX, AX
	JZ   queued
	CMPL DX, R12
	JEQ  failed

	// The kernel never refuses a standard signal, though it may merge it.
	MOVL R12, DX
	MOVL $1, relayState_strayed(BX)
	LEAL const_relayBase(R9), AX
	JMP  private
far:
	MOVL $1, relayState_strayed(BX)
	JMP  send

failed:
	MOVL R9, 8(R13)
	MOVL relayState_hub(BX), DI
	TESTL DI, DI
	JZ   again // the hub has just ended
	LOCK
	INCQ relayState_lost(BX)(R12*8)
	JMP  wake

queued:
	MOVL R9, 8(R13)
	CMPL relayState_strayed(BX), $0
	JEQ  chain

wake:
	MOVL relayState_wake(BX), DI
	LEAQ ·one(SB), SI
	MOVL $8, DX
	MOVL $SYS_write, AX
	SYSCALL

chain:
	MOVQ relayState_chain(BX)(R12*8), AX
	LOCK
	DECQ relayState_busy(BX)
	TESTQ AX, AX
	JZ   done
	MOVL R12, DI
	MOVQ R13, SI
	MOVQ R8, DX
	JMP  AX
done:
	RET

	// A child between fork and exec: it has our memory, but its own handlers.
	// What hits it there is its own affair.
forked:
	MOVL R12, DI
	LEAQ ·defaultAction(SB), SI
	XORL DX, DX
	MOVL $8, R10
	MOVL $SYS_rt_sigaction, AX
	SYSCALL

	// The handler has been replaced meanwhile: let the new one have the signal.
again:
	MOVL $SYS_gettid, AX
	SYSCALL
	MOVL R14, DI
	MOVL AX, SI
	MOVL R12, DX
	MOVL $SYS_tgkill, AX
	SYSCALL
	LOCK
	DECQ relayState_busy(BX)
	RET

// restorer ends a signal handler; the kernel wants it from user space.
TEXT ·restorer(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ $SYS_rt_sigreturn, AX
	SYSCALL
	INT  $3

// func handlerPC() uintptr
TEXT ·handlerPC(SB), NOSPLIT, $0-8
	LEAQ ·handler(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func restorerPC() uintptr
TEXT ·restorerPC(SB), NOSPLIT, $0-8
	LEAQ ·restorer(SB), AX
	MOVQ AX, ret+0(FP)
	RET
