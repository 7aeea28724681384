package locking

import (
	"bytes"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// self returns what the word of a Mutex holds when this process owns it.
var self = sync.OnceValue(func() uint64 {
	pid := os.Getpid()
	started, _ := startTime(pid)
	return uint64(pid)&pidMask | uint64(started)<<32
})

// alive reports whether the owner in the word of a Mutex lives. A zombie does not.
func alive(word uint64) bool {
	if word&^sleepers == self() {
		return true
	}
	pid, recorded := int(word&pidMask), uint32(word>>32)
	started, ok := startTime(pid)
	if !ok {
		// No such process, or no /proc: EPERM means that it exists.
		return unix.Kill(pid, 0) != unix.ESRCH && !procMounted()
	}
	return started == recorded || recorded == 0
}

// startTime returns when a process started, in clock ticks since boot, of which the
// lower bits tell processes with the same id apart. It reports false for those that
// do not exist, and for zombies.
func startTime(pid int) (ticks uint32, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	// The program's name is in parentheses, and can contain anything.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 || fields[0][0] == 'Z' || fields[0][0] == 'X' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(fields[19]), 10, 64)
	return uint32(n), err == nil
}

func procMounted() bool {
	_, err := os.Stat("/proc/self/stat")
	return err == nil
}
