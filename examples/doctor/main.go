//go:build linux

// Command doctor examines the machine that it runs on and prints what sluice makes
// of it: the kernel, the engine and why it was chosen, what forbids io_uring and how
// to allow it, how each operation is carried out, and which limits matter.
//
//	doctor [-json]
//
// The status is 1 if no Ring can be had at all.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `Usage: doctor [-json]

Prints what sluice makes of this machine: the engine and why it was chosen, how each
operation is carried out, and the limits that matter.

`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "doctor:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("doctor", flag.ExitOnError)
	asJSON := flags.Bool("json", false, "print the same as JSON")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	_ = flags.Parse(args)
	if flags.NArg() != 0 {
		return fmt.Errorf("%q: no operands are expected", flags.Arg(0))
	}
	report := examine()
	var err error
	if *asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.print(out)
	}
	if err == nil && report.Engine.Error != "" {
		err = errors.New(report.Engine.Error)
	}
	return err
}
