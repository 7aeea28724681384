// Command gen writes the constants of package uring, zconst.go, from table.txt.
// It runs in the package's folder: go generate ./internal/uring.
package main

import (
	_ "embed"
	"log"
	"os"
)

//go:embed table.txt
var table string

func main() {
	groups, err := parse(table)
	if err != nil {
		log.Fatal(err)
	}
	source, err := generate(groups)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("zconst.go", source, 0o644); err != nil {
		log.Fatal(err)
	}
}
