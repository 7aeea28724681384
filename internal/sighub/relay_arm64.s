//go:build linux && !sluice_plainsignals

#include "go_asm.h"
#include "textflag.h"

#define SYS_write 64
#define SYS_tgkill 131
#define SYS_rt_sigaction 134
#define SYS_getpid 172
#define SYS_gettid 178
#define SYS_rt_tgsigqueueinfo 240

// ADD64 adds d to the counter at address a, atomically; clobbers R9 and R10.
#define ADD64(a, d) \
	LDAXR (a), R9;   \
	ADD   $d, R9;    \
	STLXR R9, (a), R10; \
	CBNZ  R10, -3(PC)

// handler passes a signal on to the hub's thread. The kernel calls it, on the
// signal stack of any thread, with the signal in R0, siginfo in R1 and ucontext
// in R2, and all signals blocked. When it returns, rt_sigreturn restores every
// register from the frame, so none has to be preserved, but for g (R28) and LR,
// which the runtime's own handler reads, and R18, the platform's.
//
// What stays across system calls: R19 relay, R20 signal, R21 siginfo, R22
// ucontext, R23 si_code, R24 the process, R25 the counter busy, R26
// the signal to send.
TEXT ·handler(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVD $·relay(SB), R19
	ADD  $relayState_busy, R19, R25
	ADD64(R25, 1)
	MOVW R0, R20
	MOVD R1, R21
	MOVD R2, R22
	MOVW 8(R21), R23

	MOVD $SYS_getpid, R8
	SVC
	MOVW R0, R24
	MOVW relayState_pid(R19), R9
	CMPW R9, R24
	BNE  forked
	MOVW relayState_hub(R19), R1
	CBZW R1, again

	// Private si_code. What is too far from zero goes as it is: the kernel takes
	// it if it is negative.
	MOVD R20, R26 // the signal to send
	MOVW $const_codeReach, R9
	ADDW R9, R23, R9
	MOVW $(2*const_codeReach), R10
	CMPW R10, R9
	BHS  far
	MOVW $const_relayBase, R9
	ADDW R9, R23, R9

	// Signals that are to travel as the carrier have their number in si_code.
	ADD  $relayState_carry, R19, R11
	MOVBU (R11)(R20), R10
	CBZW R10, private
	LSLW $const_viaShift, R20, R10
	ADDW R10, R9, R9
	MOVD $const_carrier, R26
private:
	MOVW R9, 8(R21)
send:
	MOVW R24, R0
	MOVW relayState_hub(R19), R1
	MOVW R26, R2
	MOVD R21, R3
	MOVD $SYS_rt_tgsigqueueinfo, R8
	SVC
	CBZ  R0, queued
	CMPW R20, R26
	BEQ  failed

	// The kernel never refuses a standard signal, though it may merge it.
	MOVD R20, R26
	MOVW $1, R9
	MOVW R9, relayState_strayed(R19)
	MOVW $const_relayBase, R9
	ADDW R9, R23, R9
	B    private
far:
	MOVW $1, R9
	MOVW R9, relayState_strayed(R19)
	B    send

failed:
	MOVW R23, 8(R21)
	MOVW relayState_hub(R19), R9
	CBZW R9, again // the hub has just ended
	ADD  $relayState_lost, R19, R11
	ADD  R20<<3, R11, R11
	ADD64(R11, 1)
	B    wake

queued:
	MOVW R23, 8(R21)
	MOVW relayState_strayed(R19), R9
	CBZW R9, chain

wake:
	MOVW relayState_wake(R19), R0
	MOVD $·one(SB), R1
	MOVD $8, R2
	MOVD $SYS_write, R8
	SVC

chain:
	ADD  $relayState_chain, R19, R11
	ADD  R20<<3, R11, R11
	MOVD (R11), R12
	ADD64(R25, -1)
	CBZ  R12, done
	MOVW R20, R0
	MOVD R21, R1
	MOVD R22, R2
	B    (R12)
done:
	RET

	// A child between fork and exec: it has our memory, but its own handlers.
	// What hits it there is its own affair.
forked:
	MOVW R20, R0
	MOVD $·defaultAction(SB), R1
	MOVD ZR, R2
	MOVD $8, R3
	MOVD $SYS_rt_sigaction, R8
	SVC

	// The handler has been replaced meanwhile: let the new one have the signal.
again:
	MOVD $SYS_gettid, R8
	SVC
	MOVW R0, R1
	MOVW R24, R0
	MOVW R20, R2
	MOVD $SYS_tgkill, R8
	SVC
	ADD64(R25, -1)
	RET

// func handlerPC() uintptr
TEXT ·handlerPC(SB), NOSPLIT, $0-8
	MOVD $·handler(SB), R0
	MOVD R0, ret+0(FP)
	RET
