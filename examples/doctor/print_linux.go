package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// print writes the report for people.
func (r *Report) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	r.Machine.print(w)
	fmt.Fprintln(w)
	r.Engine.print(w, "engine")
	r.Pinned.print(w, "pinned")
	if r.IOURing.Error != "" {
		fmt.Fprintf(w, "io_uring\t%s\n", r.IOURing.Error)
	}
	fmt.Fprintln(w, "\noperation\troute\topcode\tnative since")
	for _, o := range r.Operations {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.Name, o.Route, dash(o.Opcode), dash(o.Since))
	}
	fmt.Fprintln(w, "\nlimit\tvalue\tmax\tused")
	for _, l := range r.Limits {
		l.print(w)
	}
	fmt.Fprintln(w, "\nlimit\twhat it limits, and how to change it")
	for _, l := range r.Limits {
		fmt.Fprintf(w, "%s\t%s\n\t%s\n", l.Name, l.For, l.Change)
	}
	return w.Flush()
}

func (m *Machine) print(w io.Writer) {
	fmt.Fprintf(w, "kernel\tLinux %s\n", m.Kernel)
	fmt.Fprintf(w, "machine\t%s, %d CPUs (GOMAXPROCS %d), %.1f GiB, %s\n",
		m.System, m.CPUs, m.MaxProcs, float64(m.Memory)/(1<<30), m.Go)
	sandbox := "seccomp: " + dash(m.Seccomp)
	if m.Container != "" {
		sandbox += ", in " + m.Container
	}
	fmt.Fprintf(w, "sandbox\t%s, user %d\n", sandbox, m.User)
}

func (e *Engine) print(w io.Writer, title string) {
	if e.Name == "" {
		fmt.Fprintf(w, "%s\tnone: %s\n", title, e.Error)
		return
	}
	fmt.Fprintf(w, "%s\t%s: %s\n", title, e.Name, e.Reason)
	fmt.Fprintf(w, "  flags\t%s\n", dash(strings.Join(e.Flags, " ")))
	if title == "engine" { // the same for all
		fmt.Fprintf(w, "  features\t%s\n", dash(strings.Join(e.Features, " ")))
	}
}

func (l *Limit) print(w io.Writer) {
	mark := ""
	if l.Low {
		mark = "\tlow: " + l.Change
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s%s\n", l.Name, amount(l.Value), most(l.Max), most(l.Used), mark)
}

// amount is n for people; -1 is no limit, or none that can be known.
func amount(n int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// most is amount where zero says nothing.
func most(n int64) string {
	if n == 0 {
		return ""
	}
	return amount(n)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
