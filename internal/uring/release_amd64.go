//go:build !race

package uring

// storeRelease writes v to *p, where the kernel sees it after all that was written before.
// On amd64 any store does that; an atomic one would also wait until it is done, 5 ns. The
// compiler moves nothing past a function that is not inlined.
//
//go:noinline
func storeRelease(p *uint32, v uint32) { *p = v }
