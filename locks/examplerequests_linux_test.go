package locks_test

import (
	"fmt"
	"sync/atomic"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
)

// Locks of ranges: of an open file, and of the process; and who holds them.
func ExampleOFD() {
	for _, r := range []ops.Request{
		locks.OFD(3, ops.LockExclusive, 0, 100), locks.Record(3, ops.LockShared, 100, 0),
		locks.TestOFD(3, ops.LockExclusive, 0, 100), locks.TestRecord(3, ops.LockShared, 0, 0),
	} {
		fmt.Println(r.Code, r.Validate())
	}
	// Output:
	// OFD lock <nil>
	// record lock <nil>
	// lock test <nil>
	// lock test <nil>
}

// A word that goroutines, or processes, wait for to change.
func ExampleFutexWait() {
	word, other := new(atomic.Uint32), new(atomic.Uint32)
	const all = 1<<32 - 1
	for _, r := range []ops.Request{
		locks.FutexWait(word, 0, all), locks.FutexWake(word, 1, all),
		locks.FutexWaitv([]*atomic.Uint32{word, other}, []uint32{0, 0}),
	} {
		fmt.Println(r.Code, r.Validate())
	}
	// Output:
	// futex wait <nil>
	// futex wake <nil>
	// futex waitv <nil>
}
