// Command opsdoc writes doc/operations.md, the table of all operations, from the
// sources: the codes, their constructors, opcodes and routes, and the tests that
// cover them. It runs in the module's root: go generate.
package main

import (
	"log"
	"os"
)

func main() {
	text, err := generate(os.DirFS("."))
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("doc/operations.md", text, 0o644); err != nil {
		log.Fatal(err)
	}
}
