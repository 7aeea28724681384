// Package uring is sluice's own io_uring binding. It knows nothing about
// requests, priorities or lifetimes: those belong to package ring. It follows
// io_uring_setup(2), io_uring_enter(2) and io_uring_register(2), needs Linux
// 5.11, and is written in three layers:
//
//   - Arithmetic (sqe.go, sq.go, cq.go): the two rings as index arithmetic over
//     slices and atomics. No mapping and no system call is made here, so these
//     files build and are tested on every system.
//   - Mapping (setup_linux.go, plan_linux.go, map_linux.go, bufring_linux.go):
//     creating a ring with the best flags that the kernel accepts, mapping it,
//     and taking it down again.
//   - Calls (enter_linux.go, register*_linux.go, probe.go): io_uring_enter and
//     io_uring_register as typed methods that answer with errnos.
//
// The numbers come from gen/table.txt through go generate (zconst.go), with the
// kernel release in which each appeared.
//
// # Who may call what
//
// An SQ and a CQ have one user at a time; the caller holds a lock, or is the
// only goroutine that has them. Enter and the register calls may be made from
// any thread on a plain ring. On a ring with SINGLE_ISSUER the kernel answers
// EEXIST to every thread but the one that called Setup, so that goroutine must
// be locked to its thread (trap 2). Exactly one thread at a time may wait with a
// timeout. Close excludes register calls by itself; keeping everybody out of the
// two rings and out of Enter while Close runs is the caller's part.
//
// # Forks
//
// The kernel makes a ring's descriptor close-on-exec, and every mapping is
// marked MADV_DONTFORK (trap 12). A child of os/exec shares the parent's memory
// for the few instructions before its exec, touches no ring in them, and starts
// without mapping and descriptor. A child that C code forks without exec
// inherits the descriptor but no mapping: it faults on first use instead of
// corrupting its parent's rings.
package uring

//go:generate go run ./gen
