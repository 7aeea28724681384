//go:build !linux

// Command doctor examines the machine that it runs on; it needs Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "doctor: needs Linux")
	os.Exit(1)
}
