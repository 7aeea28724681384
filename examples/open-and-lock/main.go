//go:build linux

// Command open-and-lock opens files and locks them with flock(2), all at once, and
// reports what became of each:
//
//	open-and-lock [-shared] [-timeout 5s] [-hold 10s] FILE...
//
// A file that somebody else has locked does not hold up the others. When the timeout
// has passed, or at an interrupt (^C), what still waits is given up. The status is 1
// if a file could not be locked, and 2 after a usage error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

const usage = `Usage: open-and-lock [flags] FILE...

Opens each FILE and locks it with flock(2), all at once, and prints what became of
each. At an interrupt, what still waits is given up.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "open-and-lock:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("open-and-lock", flag.ExitOnError)
	shared := flags.Bool("shared", false, "take shared locks")
	timeout := flags.Duration("timeout", 5*time.Second, "how long to wait for a lock; 0 is for ever")
	hold := flags.Duration("hold", 0, "how long to keep the locks")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	_ = flags.Parse(args)
	if flags.NArg() == 0 || *timeout < 0 {
		flags.Usage()
		os.Exit(2)
	}
	kind := locks.Exclusive
	if *shared {
		kind = locks.Shared
	}

	r, err := ring.New(ring.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()

	// The tag of a request is the name of its file.
	for _, name := range flags.Args() {
		if _, err := r.Submit(ops.Open(name, os.O_RDONLY, 0).WithTag(name)); err != nil {
			return err
		}
	}
	// An interrupt ends what waits; the completions say so.
	defer context.AfterFunc(ctx, func() { _, _ = r.CancelAll() })()

	began, locked := time.Now(), 0
	var c [1]ops.Completion
	for done := 0; done < flags.NArg(); {
		if _, err := r.Wait(c[:], 1, ring.Forever); err != nil {
			return err
		}
		switch err := c[0].Err(); {
		case err == nil && c[0].Code == ops.CodeOpen:
			request := locks.Flock(c[0].FD(), kind).WithTimeout(*timeout).WithTag(c[0].Tag)
			if _, err := r.Submit(request); err != nil {
				return err
			}
			if ctx.Err() != nil { // the interrupt may have come just before the Submit
				_, _ = r.CancelAll()
			}
			continue
		case err == nil:
			locked++
			fmt.Fprintf(out, "%-12s %s  after %v\n", "locked", c[0].Tag, time.Since(began).Round(time.Millisecond))
		case errors.Is(err, ops.ErrTimeout):
			fmt.Fprintf(out, "%-12s %s  by another after %v\n", "still locked", c[0].Tag, *timeout)
		case errors.Is(err, ops.ErrCanceled):
			fmt.Fprintf(out, "%-12s %s\n", "interrupted", c[0].Tag)
		default:
			fmt.Fprintf(out, "%-12s %s  %v\n", "failed", c[0].Tag, err)
		}
		done++
	}
	fmt.Fprintf(out, "%d of %d files locked\n", locked, flags.NArg())
	_, _ = r.Do(ctx, ops.Timer(*hold)) // the locks go away with the process
	if locked < flags.NArg() {
		return fmt.Errorf("%d files not locked", flags.NArg()-locked)
	}
	return nil
}
