package ring

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/sluicego/sluice/ops"
)

// ReadFiles yields the content of each file of paths, or the error that opening or
// reading it ended with, in the order in which they are done. It keeps a bounded
// number of them under way (ops.ReadFile), and takes the next path when there is
// room: for thousands of small files that is several times as fast as os.ReadFile.
//
// A file's error names its path; FileData then has Path and Index alone. That of a file
// which has filled its buffer may be ErrFull. When ctx
// ends, what is under way is cancelled, and its error is yielded last; so are
// those that make going on useless, ErrClosed and ErrFull, with an empty Path.
// Leaving the loop cancels what is under way and waits until the kernel has let go.
//
// Files stay open, on direct descriptors that no program sees, until a later one
// takes their place or the loop ends: this spares a request to close each.
//
// One goroutine reads, and keeps one processor busy when all is in the page cache. With
// ReadFilesConfig.Parallel others read as well; the files are still yielded one by one,
// to the caller.
//
// It is for regular files. A special one, say in /proc, may give less at a time
// than it has, and so appear shorter than it is.
//
// Completions of these requests do not come up in Wait. On a pinned Ring it needs
// the owner to Wait, or to be the caller. Where the kernel cannot (before 6.0),
// workers read the files.
func (r *Ring) ReadFiles(ctx context.Context, paths iter.Seq[string], cfg ReadFilesConfig) iter.Seq2[FileData, error] {
	return func(yield func(FileData, error) bool) {
		if err := cfg.normalize(); err != nil {
			yield(FileData{}, fmt.Errorf("read files: %w", err))
			return
		}
		l := newFileReader(r, ctx, cfg)
		defer l.end()
		defer context.AfterFunc(ctx, r.lookAgain)()
		for path := range paths {
			if !l.take(path, yield) {
				return
			}
		}
		if l.help != nil && !l.help.finish(yield) {
			return
		}
		for l.inFlight > 0 || l.help != nil && l.help.lent > 0 {
			if !l.turn(yield) {
				return
			}
		}
	}
}

// fileReader is a ReadFiles loop.
type fileReader struct {
	r        *Ring
	cfg      ReadFilesConfig
	w        *waiter
	jobs     []fileJob
	free     []*fileJob
	done     []ops.Completion // taken from w
	inFlight int              // requests whose completion was not taken
	next     int              // index of the next path
	byHand   bool             // the kernel cannot: workers read the files
	help     *readHelpers     // nil if nobody else reads for it
	before   func()           // called before it waits, unless nil
	yielding *fileJob         // whose file is being yielded
}

// fileJob is a file under way, and its buffer.
type fileJob struct {
	data FileData
	id   uint64 // of the request, 0 for none
	path ops.FilePath
	buf  []byte
	big  []byte // what a worker has read
}

func newFileReader(r *Ring, ctx context.Context, cfg ReadFilesConfig) *fileReader {
	l := &fileReader{r: r, cfg: cfg, w: newWaiter(inMany), jobs: make([]fileJob, cfg.InFlight)}
	l.w.ctx, l.w.dst = ctx, make([]ops.Completion, cfg.InFlight)
	l.w.keeps = !r.cfg.Pinned || r.owner.isCaller() // who is to empty them
	memory := make([]byte, cfg.InFlight*cfg.Buffer)
	for i := range l.jobs {
		l.jobs[i].buf = memory[i*cfg.Buffer : (i+1)*cfg.Buffer : (i+1)*cfg.Buffer]
		l.free = append(l.free, &l.jobs[i])
	}
	if cfg.Parallel > 1 {
		l.help = newReadHelpers(l, ctx)
		l.w.other = l.help.have
	}
	return l
}

// take has path read. If there is no room for another then, it waits until there is.
// It reports whether the loop goes on.
func (l *fileReader) take(path string, yield func(FileData, error) bool) bool {
	index := l.next
	l.next++
	if l.help != nil {
		return l.help.take(path, index, yield)
	}
	return l.add(path, index, yield) && l.makeRoom(yield)
}

// makeRoom waits until there is room for add.
func (l *fileReader) makeRoom(yield func(FileData, error) bool) bool {
	for len(l.free) == 0 {
		if !l.turn(yield) {
			return false
		}
	}
	return true
}

// add submits a request for path, for which there is room. It reports whether the
// loop goes on.
func (l *fileReader) add(path string, index int, yield func(FileData, error) bool) bool {
	job := l.free[len(l.free)-1]
	l.free = l.free[:len(l.free)-1]
	job.data = FileData{Path: path, Index: index}
	if err := job.path.Set(path); err != nil {
		l.free = append(l.free, job)
		return yield(job.data, &ops.Error{Code: ops.CodeReadFile, Err: err})
	}
	for {
		err := l.submit(job)
		if err == nil {
			break
		}
		if !errors.Is(err, ops.ErrFull) || l.inFlight == 0 {
			yield(FileData{}, fmt.Errorf("read files: %w", err))
			return false
		}
		if !l.turn(yield) {
			return false
		}
	}
	return true
}

// submit lets the Ring read a file, or a worker where the kernel cannot.
func (l *fileReader) submit(job *fileJob) error {
	if !l.byHand {
		err := l.queue(job, ops.ReadFilePath(atFDCWD, &job.path, job.buf))
		if !errors.Is(err, ops.ErrNotSupported) {
			return err
		}
		l.byHand = true
	}
	return l.queue(job, job.call())
}

// atFDCWD lets paths start at the working directory.
const atFDCWD = -100

func (l *fileReader) queue(job *fileJob, req ops.Request) (err error) {
	req.Tag, req.Priority = job, l.cfg.Priority
	l.r.mu.Lock()
	defer l.r.unlock()
	if job.id, err = l.r.acceptOne(&req, l.w); err == nil {
		l.inFlight++
	}
	return err
}

// turn waits until some files are done, and yields them. Those that have filled
// their buffer are read again. It reports whether the loop goes on.
func (l *fileReader) turn(yield func(FileData, error) bool) bool {
	if l.before != nil {
		l.before()
	}
	err := context.Cause(l.w.ctx)
	if err == nil {
		err = l.wait(1)
	}
	if err != nil {
		yield(FileData{}, fmt.Errorf("read files: %w", err))
		return false
	}
	for i := range l.done {
		c := &l.done[i]
		job := c.Tag.(*fileJob)
		data, err := job.data, c.Err()
		if c.Code == ops.CodeReadFile && err == nil && c.N() == len(job.buf) {
			if err = l.queue(job, job.call()); err == nil {
				continue
			}
			err = &ops.Error{Code: c.Code, Target: data.Path, Err: err} // the rest of it is missing
		}
		switch {
		case err != nil:
		case c.Code == ops.CodeCall:
			data.Data, job.big = job.big, nil
		default:
			data.Data = c.Bytes()
		}
		l.yielding = job
		if !yield(data, err) {
			return false
		}
		l.free = append(l.free, job)
	}
	return l.help == nil || l.help.yield(yield)
}
