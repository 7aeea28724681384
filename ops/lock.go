package ops

// LockType is what a lock request does to a file or to a range of it. The values
// are those of fcntl(2).
type LockType uint32

const (
	// LockShared takes a lock that others may share (F_RDLCK, LOCK_SH).
	LockShared LockType = iota
	// LockExclusive takes a lock that nobody shares (F_WRLCK, LOCK_EX).
	LockExclusive
	// LockRelease gives a lock up (F_UNLCK, LOCK_UN).
	LockRelease
)

// String returns "shared", "exclusive" or "unlock".
func (t LockType) String() string {
	switch t {
	case LockShared:
		return "shared"
	case LockExclusive:
		return "exclusive"
	case LockRelease:
		return "unlock"
	}
	return "unknown"
}

// validateLock checks the requests that package locks makes: Flags is the
// LockType, Offset and Offset2 are start and length of the range.
func (r *Request) validateLock() error {
	t := LockType(r.Flags)
	switch {
	case t > LockRelease || r.Code == CodeLockTest && t == LockRelease:
		return r.wrong("lock type %d: want LockShared or LockExclusive", r.Flags)
	case r.Offset < 0 || r.Offset2 < 0 || r.Offset+r.Offset2 < 0:
		return r.wrong("range from %d, %d bytes: want neither negative, and an end below 2^63", r.Offset, r.Offset2)
	case r.Code == CodeFlock && (r.Offset != 0 || r.Offset2 != 0):
		return r.wrong("a flock is about the whole file")
	}
	return nil
}
