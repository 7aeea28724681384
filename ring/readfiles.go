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
}

// Defaults and limits of ReadFilesConfig.
const (
	DefaultReadFiles  = 64
	MaxReadFiles      = 128
	DefaultReadBuffer = 32 << 10
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
