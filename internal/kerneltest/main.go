// Command kerneltest boots kernels in virtual machines, runs test binaries there,
// and reports which tests ran, which failed, and which were skipped for want of
// what. .ci/kernels calls it, having fetched and built what it needs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// setting is what the flags say.
type setting struct {
	kernels string // a folder with LABEL/vmlinuz for each kernel
	tree    string // what the guests see: init, bin/, and t/PACKAGE/test
	disk    string
	out     string // a folder for what the guests say
	keep    string // a folder for what the table of all kernels is made of, or none
	doc     string // the table to write, or none; then nothing is run
	atOnce  int
	limit   time.Duration // for each command
	boot    time.Duration // for each machine
	env     []string      // for the tests
	flags   []string      // for the tests
}

func main() {
	var s setting
	flag.StringVar(&s.kernels, "kernels", "", "folder with LABEL/vmlinuz for each kernel")
	flag.StringVar(&s.tree, "tree", "", "folder that becomes the guests' first file system")
	flag.StringVar(&s.disk, "disk", "", "image of the file system for temporary files")
	flag.StringVar(&s.out, "out", "", "folder for what the guests say")
	flag.StringVar(&s.keep, "keep", "", "folder for what the table of all kernels is made of")
	flag.StringVar(&s.doc, "doc", "", "file for that table; nothing is run")
	flag.IntVar(&s.atOnce, "j", 2, "machines at a time")
	flag.DurationVar(&s.limit, "limit", 5*time.Minute, "time for each test binary")
	flag.DurationVar(&s.boot, "boot", 30*time.Minute, "time for each machine")
	flag.Func("env", "NAME=VALUE for the tests; may be repeated", func(v string) error {
		s.env = append(s.env, v)
		return nil
	})
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: kerneltest FLAGS KERNEL[=ENGINE]... [-- TEST-FLAGS]")
		flag.PrintDefaults()
	}
	flag.Parse()
	labels := flag.Args()
	for i, arg := range labels {
		if arg == "--" {
			labels, s.flags = labels[:i], labels[i+1:]
			break
		}
	}
	// Ended itself, it ends the machines.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := s.run
	if s.doc != "" {
		run = s.tabulate
	}
	if err := run(ctx, labels); err != nil {
		fmt.Fprintln(os.Stderr, "kerneltest:", err)
		os.Exit(1)
	}
}

// run boots the kernels and reports on them in their order.
func (s *setting) run(ctx context.Context, labels []string) error {
	base := filepath.Join(s.out, "base.cpio")
	if err := packTree(s.tree, base); err != nil {
		return err
	}
	defer func() { _ = os.Remove(base) }() // it is large
	all := make([]*kernel, len(labels))
	turn := make(chan struct{}, s.atOnce)
	var wg sync.WaitGroup
	for i, label := range labels {
		all[i] = newKernel(label)
		turn <- struct{}{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() { <-turn }()
			start := time.Now()
			if err := s.one(ctx, all[i], base); err != nil {
				all[i].problems = append(all[i].problems, err.Error())
			}
			all[i].took = time.Since(start)
			fmt.Fprintf(os.Stderr, "%s: %.0f s\n", label, all[i].took.Seconds())
		}()
	}
	wg.Wait()
	var bad []string
	for _, k := range all {
		k.report(os.Stdout)
		if len(k.problems) > 0 {
			bad = append(bad, k.label)
		} else if s.keep != "" {
			if err := k.summary().save(s.keep); err != nil {
				return err
			}
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("failed on %s; what the guests said is in %s", strings.Join(bad, ", "), s.out)
	}
	return nil
}

// tabulate writes the table of kernels that have run.
func (s *setting) tabulate(_ context.Context, labels []string) error {
	all, err := load(s.keep, labels)
	if err != nil {
		return err
	}
	return writeDoc(s.doc, all)
}

// one boots one kernel.
func (s *setting) one(ctx context.Context, k *kernel, base string) error {
	dir := filepath.Join(s.out, k.label)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	work, err := s.job(k)
	if err != nil {
		return err
	}
	jobFile := filepath.Join(dir, "job.cpio")
	if err := packJob(work, jobFile); err != nil {
		return err
	}
	m := &machine{
		kernel:  filepath.Join(s.kernels, k.version, "vmlinuz"),
		archive: []string{base, jobFile},
		disk:    s.disk,
		dir:     dir,
		limit:   s.boot,
	}
	trouble := m.boot(ctx)
	f, err := os.Open(m.results())
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	if k.transcript, err = read(f); err != nil {
		return err
	}
	if !k.done && trouble == nil {
		console, _ := os.ReadFile(m.console()) // without it the message is shorter
		trouble = fmt.Errorf("the machine ended without having run everything: %s\n%s", k.fail, tail(string(console), 40))
	}
	k.judge()
	return trouble
}

// tail returns the last n lines of text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
