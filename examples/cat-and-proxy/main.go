//go:build linux

// Cat-and-proxy writes files to standard output and, with -listen, proxies TCP
// connections at the same time: one goroutine, one ring, one Wait.
//
//	cat-and-proxy [flags] [FILE...]
//
// It shows what a program on sluice looks like. Everything that may have to wait
// is a request on the ring; its Tag points to a small state machine, whose
// complete method takes the next step. System calls that cannot wait, and that
// the kernel would hand to a worker thread if asked through the ring (splice on
// a ready socket, fstat, shutdown), are made directly.
//
//	main.go            flags, exit status
//	loop.go            the event loop
//	cat.go             the files' order: what to open, read and write next
//	source.go chunk.go one file, and one buffer of it
//	lock.go            its lock
//	output.go splice.go standard output, and the way there without copying
//	proxy.go listen.go accepting connections
//	conn.go flow.go    one connection, and one direction of it
//	pipe.go pool.go    the pipes that data goes through
//	signals.go stats.go progress.go
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/sluicego/sluice/ring"
)

const usage = `Usage: cat-and-proxy [flags] [FILE...]

Writes each FILE to standard output; "-" is standard input, and so is no FILE
at all, unless there is -listen. With -listen and -to it passes TCP connections
on to another address at the same time, until SIGINT or SIGTERM. SIGUSR1 prints
statistics, and SIGHUP has the FILEs written again.

`

// Exit statuses. Like a shell, it adds the number of a signal to exitSignal.
const (
	exitFailed = 1
	exitUsage  = 2
	exitSignal = 128
)

// options are the command line.
type options struct {
	listen, to      string
	config          ring.Config
	stats, progress bool
	drain           time.Duration
	lock            lock
	names           []string
}

func main() {
	o, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		warnf("%v\nTry 'cat-and-proxy -help'.", err)
		os.Exit(exitUsage)
	}
	status, err := run(o)
	if err != nil {
		warnf("%v", err)
		status = exitFailed
	}
	os.Exit(status)
}

func parse(args []string) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("cat-and-proxy", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	engine := f.String("engine", "auto", "what carries requests out: auto, iouring or portable")
	f.StringVar(&o.listen, "listen", "", "accept TCP connections on this `address`, such as :8080")
	f.StringVar(&o.to, "to", "", "pass them on to this `address`")
	f.BoolVar(&o.config.Pinned, "pinned", false, "let the ring belong to one thread: the fastest mode")
	f.BoolVar(&o.stats, "stats", false, "print what was done on standard error at the end")
	f.BoolVar(&o.progress, "progress", false, "draw a progress bar on standard error")
	locking := f.String("lock", "none", "lock each FILE before it is read: none, shared or exclusive")
	f.DurationVar(&o.lock.timeout, "lock-timeout", 0, "how long to wait for a lock; 0 is for ever")
	f.DurationVar(&o.drain, "drain", 5*time.Second, "after a signal, how long open connections may last")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Print(usage)
			f.SetOutput(os.Stdout)
			f.PrintDefaults()
		}
		return nil, err
	}
	var err error
	o.config.Engine, err = ring.ParseEngine(*engine)
	o.names = f.Args()
	switch {
	case err != nil:
		return nil, fmt.Errorf("-engine: %w", err)
	case (o.listen == "") != (o.to == ""):
		return nil, errors.New("-listen and -to go together")
	case !o.lock.parse(*locking):
		return nil, fmt.Errorf("-lock %q: want none, shared or exclusive", *locking)
	case o.lock.timeout < 0:
		return nil, fmt.Errorf("-lock-timeout %v: want 0 or more", o.lock.timeout)
	case o.drain < 0:
		return nil, fmt.Errorf("-drain %v: want 0 or more", o.drain)
	case o.listen == "" && len(o.names) == 0:
		o.names = []string{stdin}
	}
	return o, nil
}

// program is what a signal acts on.
type program struct {
	loop
	stats    stats
	cat      *cat
	proxy    *proxy // nil without -listen
	progress *progress
	signal   syscall.Signal // the latest that came, or 0
	twice    bool
}

var errInterrupted = errors.New("interrupted")

func run(o *options) (status int, err error) {
	o.config.CloseTimeout = time.Second // for what a file system does not let go of
	r, err := ring.New(o.config)
	if err != nil {
		return 0, err
	}
	p := &program{loop: loop{ring: r}, stats: stats{begin: time.Now()}}
	(&watch{p, o.names, o.stats}).start()
	if err := p.setUp(o); err != nil {
		return 0, errors.Join(err, r.Close())
	}
	err = p.run()
	if p.progress != nil {
		p.progress.finish()
	}
	if o.stats {
		p.stats.print(os.Stderr, r)
	}
	_ = r.Close() // what is pending, such as a read from a terminal, ends with the process
	if errors.Is(err, errInterrupted) {
		err = nil
	}
	return p.status(), err
}

func (p *program) setUp(o *options) error {
	if len(o.names) > 0 {
		out, err := newOutput(syscall.Stdout)
		if err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
		p.cat = newCat(&p.loop, &p.stats, out, o.lock, o.names)
		p.parts = append(p.parts, p.cat)
	}
	if o.listen != "" {
		var err error
		p.proxy, err = newProxy(&p.loop, &p.stats, o.listen, o.to, o.drain)
		if err != nil {
			return err
		}
		p.parts = append(p.parts, p.proxy)
	}
	if o.progress {
		p.progress = newProgress(&p.loop, &p.stats, p.proxy, o.names)
		p.parts = append(p.parts, p.progress)
	}
	return nil
}

// interrupt ends the files at once, and the proxy in good order; the second time
// it ends everything.
func (p *program) interrupt(s syscall.Signal) {
	if p.signal != 0 {
		p.signal, p.twice = s, true
		p.fail(errInterrupted)
		return
	}
	p.signal = s
	if p.cat != nil {
		p.cat.stop()
	}
	if p.proxy != nil {
		p.proxy.stop()
	}
}

func (p *program) status() int {
	switch {
	case p.signal != 0 && (p.twice || p.proxy == nil || p.cat != nil && !p.cat.done()):
		return exitSignal + int(p.signal)
	case p.cat != nil && p.cat.closed:
		return exitSignal + int(syscall.SIGPIPE)
	case p.cat != nil && p.cat.failed || p.proxy != nil && p.proxy.failed:
		return exitFailed
	}
	return 0
}

func warnf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "cat-and-proxy: "+format+"\n", args...)
}
