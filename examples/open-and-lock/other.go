//go:build !linux

// Command open-and-lock opens and locks files; it needs Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "open-and-lock: needs Linux")
	os.Exit(1)
}
