//go:build !linux

// Cat-and-proxy needs Linux, as package ring does.
package main

import (
	"fmt"
	"os"

	"github.com/sluicego/sluice/ops"
)

func main() {
	fmt.Fprintln(os.Stderr, "cat-and-proxy:", ops.ErrNotSupported)
	os.Exit(1)
}
