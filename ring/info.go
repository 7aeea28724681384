package ring

// Info says what a Ring runs on.
type Info struct {
	Engine   Engine // what carries requests out, never Auto
	Reason   string // why that engine
	Kernel   string // the kernel's release, for people: it says little about features
	Pinned   bool
	Flags    string // the io_uring_setup flags in use
	Features string // the kernel's io_uring features

	Entries           int // of the submission ring
	CompletionEntries int // of the completion ring
	Capacity          int
	InFlight          int
	Reserve           int // places of InFlight that each step of urgency leaves free

	// RealTime tells that reads and writes at Highest have the real-time class in
	// the block layer; else they have the highest best-effort level (ioprio_set(2)).
	RealTime bool

	// Operations tells how each operation is carried out, in order of their codes.
	Operations []Operation
}

// Stats counts what a Ring has done.
type Stats struct {
	Submitted   uint64 // requests accepted, and posts
	Completed   uint64 // terminal completions taken
	Enters      uint64 // calls of io_uring_enter
	Resubmitted uint64 // requests submitted again because their thread had exited
	Stray       uint64 // completions of no pending request; always 0

	Pending  int // submitted and not completed
	InKernel int // of these, in the kernel or on the way
	Queued   int // of these, waiting for their turn
	Ready    int // completions that wait to be taken
	Timers   int // timers and timeouts that run
}
