package ring

import "github.com/sluicego/sluice/ops"

// ReadFilesConfig says how ReadFiles works. The zero one is good. Values out of
// range make it yield ErrInvalid.
type ReadFilesConfig struct {
	// InFlight is how many files are read at a time: 1 to MaxReadFiles; 0 is
	// DefaultReadFiles.
	InFlight int

	// Buffer is the size in bytes of the buffer that each of them gets: 1 to
	// MaxBufferSize; 0 is DefaultReadBuffer. Files that fill it are read again, by a
	// worker, into memory of their own: choose it larger than most files.
	Buffer int

	// Priority is that of the requests.
	Priority ops.Priority

	// Parallel is how many goroutines read, the caller's among them: 1 to
	// MaxReadParallel; 0 is 1. What is in the page cache the kernel reads in the thread
	// that asks for it; runtime.GOMAXPROCS(0) of them keep all processors busy, which
	// pays where these are idle. The others start when InFlight paths are under way, and
	// end with the loop. Each has a Ring of its own, shared and on the same engine, with
	// up to InFlight files under way and some 160 more waiting or read, each of these
	// in a Buffer: Stats, Config.InFlight and priorities of this Ring do not see them.
	// The loop goes on with fewer if a Ring cannot be had.
	Parallel int
}

// Defaults and limits of ReadFilesConfig.
const (
	DefaultReadFiles  = 64
	MaxReadFiles      = 128
	DefaultReadBuffer = 32 << 10
	MaxReadParallel   = 64
)

// FileData is a file that ReadFiles has read.
type FileData struct {
	// Path is the file's, and Index its place in the sequence of paths.
	Path  string
	Index int
	// Data is all that is in the file. It is good until the loop goes on: the next
	// file comes into the same memory.
	Data []byte
}

// normalize fills in the defaults, or says what is out of range.
func (c *ReadFilesConfig) normalize() error {
	switch {
	case c.InFlight < 0 || c.InFlight > MaxReadFiles:
		return ops.Invalid("ReadFilesConfig.InFlight %d: want 0 for the default, or 1 to %d", c.InFlight, MaxReadFiles)
	case c.Buffer < 0 || c.Buffer > MaxBufferSize:
		return ops.Invalid("ReadFilesConfig.Buffer %d: want 0 for the default, or 1 to %d", c.Buffer, MaxBufferSize)
	case c.Parallel < 0 || c.Parallel > MaxReadParallel:
		return ops.Invalid("ReadFilesConfig.Parallel %d: want 0 for the default, or 1 to %d", c.Parallel, MaxReadParallel)
	case !c.Priority.Valid():
		return ops.Invalid("ReadFilesConfig.Priority: %v does not exist", c.Priority)
	}
	if c.InFlight == 0 {
		c.InFlight = DefaultReadFiles
	}
	if c.Buffer == 0 {
		c.Buffer = DefaultReadBuffer
	}
	return nil
}
