package signals

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// Pipes says which standard streams of a command become pipes.
type Pipes uint8

// The streams.
const (
	Stdin Pipes = 1 << iota
	Stdout
	Stderr
)

// Process is a command that Start has started.
type Process struct {
	Cmd *exec.Cmd
	// FD is a pidfd of the process: it can be polled, and KillFD takes it. It is -1
	// before kernel 5.2.
	FD int
	// Our ends of the pipes, to Write and Read on a Ring; -1 for streams that are
	// no pipes. They block, and are close-on-exec. Who closes one before Close,
	// to let the command see the end of its input, sets it to -1.
	Stdin, Stdout, Stderr int
}

// Start starts cmd, with pipes instead of those of its streams that pipes names,
// which must be nil in cmd. The child has no mask and no handlers of this package,
// whatever watches are open, and its thread is not the caller's if that is locked
// to the goroutine; except when SysProcAttr.Pdeathsig makes the thread matter.
//
// p.Exit is the request that completes when it has ended. After that, Close
// gives back what it used.
//
// Errors are those of exec.Cmd.Start, and EMFILE.
func Start(cmd *exec.Cmd, pipes Pipes) (*Process, error) {
	p := &Process{Cmd: cmd, FD: -1, Stdin: -1, Stdout: -1, Stderr: -1}
	theirs, err := p.connect(pipes)
	if err == nil {
		err = p.start()
	}
	for _, f := range theirs {
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		p.closeAll()
		return nil, fmt.Errorf("signals.Start: %w", err)
	}
	return p, nil
}

// start runs cmd.Start where no mask of the caller's can reach the child, and
// gets a pidfd of it.
func (p *Process) start() error {
	attr := p.Cmd.SysProcAttr
	own := syscall.SysProcAttr{}
	if attr != nil {
		own = *attr
	}
	if own.PidFD == nil {
		own.PidFD = new(int)
	}
	*own.PidFD = -1
	p.Cmd.SysProcAttr = &own
	var err error
	if own.Pdeathsig != 0 {
		err = p.Cmd.Start()
	} else {
		done := make(chan struct{})
		go func() { defer close(done); err = p.Cmd.Start() }()
		<-done
	}
	p.Cmd.SysProcAttr = attr
	if err != nil {
		return err
	}
	if p.FD = *own.PidFD; attr != nil && attr.PidFD != nil {
		// It is the caller's. Without descriptors to spare we do without.
		if p.FD, err = unix.FcntlInt(uintptr(p.FD), unix.F_DUPFD_CLOEXEC, 0); err != nil {
			p.FD = -1
		}
	}
	return nil
}

// connect makes the pipes and returns the child's ends.
func (p *Process) connect(pipes Pipes) (theirs []*os.File, err error) {
	for _, s := range []struct {
		pipe Pipes
		set  bool
		ours *int
		bind func(*os.File)
	}{
		{Stdin, p.Cmd.Stdin != nil, &p.Stdin, func(f *os.File) { p.Cmd.Stdin = f }},
		{Stdout, p.Cmd.Stdout != nil, &p.Stdout, func(f *os.File) { p.Cmd.Stdout = f }},
		{Stderr, p.Cmd.Stderr != nil, &p.Stderr, func(f *os.File) { p.Cmd.Stderr = f }},
	} {
		if pipes&s.pipe == 0 {
			continue
		}
		if s.set {
			return theirs, ops.Invalid("a stream of %s is to be a pipe, but set in Cmd", p.Cmd.Path)
		}
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			return theirs, fmt.Errorf("pipe: %w", err)
		}
		their := fds[1]
		*s.ours = fds[0]
		if s.pipe == Stdin {
			their, *s.ours = fds[0], fds[1]
		}
		f := os.NewFile(uintptr(their), "|")
		theirs = append(theirs, f)
		s.bind(f)
	}
	return theirs, nil
}

// Exit returns the request that completes when the process has ended; ExitOf
// gives its status. Any number of them may be pending.
func (p *Process) Exit() ops.Request { return ChildOf(p.Cmd.Process) }

// Signal sends sig to the process. If that has ended, and was waited for, it
// fails with ESRCH; it never reaches another process that has its pid now.
func (p *Process) Signal(sig syscall.Signal) error {
	if p.FD < 0 {
		return p.Cmd.Process.Signal(sig) // before kernel 5.2
	}
	if err := unix.PidfdSendSignal(p.FD, sig, nil, 0); err != nil {
		return fmt.Errorf("send %s to pid %d: %w", ops.SignalName(sig), p.Cmd.Process.Pid, err)
	}
	return nil
}

// Close waits for the process, with exec.Cmd.Wait, and closes the pipes and the
// pidfd. It blocks for as long as the process runs, so call it after the
// completion of Exit. A status other than 0 is no error here. Requests on the
// pipes must have completed.
func (p *Process) Close() error {
	err := p.Cmd.Wait()
	var status *exec.ExitError
	if errors.As(err, &status) {
		err = nil
	}
	p.closeAll()
	return err
}

func (p *Process) closeAll() {
	for _, fd := range []*int{&p.FD, &p.Stdin, &p.Stdout, &p.Stderr} {
		if *fd >= 0 {
			_ = unix.Close(*fd)
			*fd = -1
		}
	}
}
