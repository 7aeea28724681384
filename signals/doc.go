// Package signals makes requests that complete when a signal arrives, or when a
// child process ends; so they are waited for together with everything else, in
// order of priority, and with nothing lost.
//
//	r.Submit(signals.Watch(syscall.SIGINT, syscall.SIGTERM).WithPriority(ops.High))
//	r.Submit(signals.Watch(syscall.SIGHUP))
//	for c := range r.Completions(ctx) {
//		if s := signals.Of(&c); s != nil {
//			log.Printf("%v", s) // SIGTERM from pid 4711, uid 1000
//		}
//	}
//
// In the terms of the classic interfaces:
//
//	sigaction, signalfd, self-pipe   Watch
//	sigwaitinfo, sigtimedwait        Wait, or Once with WithTimeout
//	sigprocmask(SIG_BLOCK)           Hold
//	pselect, ppoll                   Watch, and readiness requests on the same Ring
//	kill, tgkill, sigqueue           Kill, KillThread, Queue, QueueThread
//	pidfd_send_signal                KillFD, QueueFD
//	SIGCHLD and waitpid              Child, ChildFD, ChildOf
//	popen                            Start
//
// # os/signal
//
// A watch takes its signals away from os/signal, unless it was made with PassOn:
// channels given to signal.Notify get nothing from it while it is open, and
// everything afterwards. Do not call signal.Ignore or signal.Reset for a signal
// while a watch for it is open; nor, for SIGTSTP, SIGTTIN, SIGTTOU and SIGCONT,
// signal.Notify: those change the disposition under the watch.
//
// # Limits
//
// A signal that is aimed at one thread, by KillThread or tgkill(2), and that this
// thread blocks, waits until the thread unblocks it; no one else can take it. Go's
// threads block none, with one exception: the first signal.Notify of a program
// gives the runtime a thread, sometimes the main one, that blocks all signals but
// those that Notify was called for.
//
// What one signal costs is the handler, which runs on whatever thread the kernel
// picked, with three system calls, and a wake-up of the thread that belongs to
// this package. That thread exists while watches do. It is the only one whose
// signal mask is not the process's own, so children started with os/exec do not
// inherit anything from it, nor from the handlers, which exec resets.
//
// Signals that have been taken and not been fetched with Wait are kept in memory,
// about 200 bytes each, without bound: the kernel's own bound, RLIMIT_SIGPENDING,
// applies before that.
package signals
