// Package fallback makes blocking calls asynchronous: a function of the caller's
// becomes a request, which worker goroutines run and whose completion comes out of
// Wait like every other.
//
//	r.Submit(fallback.Call(func() (int, error) {
//		return 0, exec.Command("backup").Run()
//	}).WithPriority(ops.Low).WithTag("backup"))
//
// It is for what no other request can do: name resolution, a C library, file
// systems' odd calls. Completion.N is the function's count; Completion.Err wraps
// its error, so that errors.Is and errors.As find it. A panic becomes an error
// that matches *PanicError and carries the stack; the Ring goes on.
//
// # Cancelling
//
// Cancel, the request's Timeout and Deadline, and Ring.Close end a call that has
// not begun. One that runs is only asked to end: the context of CallContext and
// Value ends, and for Interruptible the system call that the function is in
// returns EINTR besides. Call has neither, so its completion comes when the
// function returns, with what it returned. Whatever a function returned after it
// was asked to end is reported, success included: nothing that it made is lost.
//
// # Workers
//
// Each Ring runs at most Config.Workers calls at a time, in order of priority; the
// others wait. Workers are goroutines, started when needed, and end when they have
// not been for some seconds.
//
// Calls may use the Ring themselves: one that waits in Do, Wait or Close of any
// Ring gives its place up for that time, so that calls which wait for one another
// cannot use up all workers. A function that waits by other means for something
// that needs a worker must say so, with Blocking.
//
// # Interrupting
//
// Interruptible calls are locked to a thread, and interrupted with a real-time
// signal that is reserved for that: 62, unless InterruptSignal names another. It
// is sent to the threads of such calls only, and again until they return. This
// works on amd64 and arm64; elsewhere Interruptible is CallContext.
package fallback
