package ops

// Nop returns a request that does nothing and completes with result 0. It makes
// the full round trip, and so measures it, and can hold the place of a step in
// a chain. Native from kernel 5.1 (io_uring_prep_nop(3)).
func Nop() Request { return Request{Code: CodeNop, FD: -1} }
