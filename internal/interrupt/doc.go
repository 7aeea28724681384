// Package interrupt ends system calls that block, by a signal to the one thread
// that is in them.
//
// Go installs its signal handlers with SA_RESTART, so that no signal makes a
// blocked flock(2) or wait return. This package reserves one real-time signal and
// gives it a handler without that flag, which does nothing (assembly, amd64 and
// arm64). The signal is sent with tgkill(2) to a thread that runs a Call and to no
// other; as it may arrive just before the system call that it is meant to end,
// it is sent again, at growing intervals, until the Call has ended.
package interrupt
