//go:build !amd64 || race

package uring

import "sync/atomic"

// storeRelease writes v to *p, where the kernel sees it after all that was written before.
func storeRelease(p *uint32, v uint32) { atomic.StoreUint32(p, v) }
