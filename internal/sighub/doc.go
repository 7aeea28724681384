// Package sighub takes signals away from the Go runtime and hands them to any
// number of watches on any number of Rings; it waits for child processes, and
// sends signals. Each of the three is an outside.Source.
//
// # The way of a signal
//
// The kernel gives a signal to any thread that does not block it, and Go's
// threads block none. So for each watched signal a handler is installed that
// passes the siginfo on, by rt_tgsigqueueinfo, to one thread that blocks all
// signals and belongs to the hub's goroutine. There it waits in the kernel's
// queue, a signalfd tells the goroutine of it, and rt_sigtimedwait reads it: with
// all of siginfo, while a read of the signalfd would leave out the times of a
// SIGCHLD. The handler is assembly and knows nothing of Go; it may interrupt any
// code at all.
//
// The kernel refuses si_code values that only it may use, from anybody but the
// main thread. So the handler moves si_code into a private, negative range, and
// the hub moves it back.
//
// Only the hub's thread has a changed mask, and it never forks: children start
// with the mask that the process was given.
//
// # Locks
//
// Hub.mu guards the table of watches. It is taken below the lock of a Ring, and
// never held when results are delivered.
package sighub
