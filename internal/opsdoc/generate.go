package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sluicego/sluice/internal/uring"
	"github.com/sluicego/sluice/ops"
)

const head = `# Operations

Generated from the sources by internal/opsdoc: run ` + "`go generate`" + `, do not edit.

What a Ring can do, and how. *Since* is the Linux release with the native route;
kernels with backports have it earlier, and sandboxes not at all: ` + "`Ring.Info()`" + `
has the table of the running machine. An operation that the kernel lacks is carried
out by other means, or refused by Submit with ErrNotSupported if it is about what the
ring itself has, such as direct descriptors. *Waits* says what an operation can wait for, and a
cancel then ends it; an operation without an entry runs to its end once it has
started, so a cancel keeps it from starting or comes too late.

| operation | constructors | opcode | since | route | waits | tests |
|---|---|---|---|---|---|---|
`

const middle = `
## Opcodes without an operation

| opcode | since | why |
|---|---|---|
`

const end = `
## Flags and commands that requests do not have as such

Compared with the header of liburing of August 2026, whose opcodes are those above.

| flag or command | since | instead |
|---|---|---|
`

// generate returns the text of doc/operations.md.
func generate(module fs.FS) ([]byte, error) {
	t, err := scan(module)
	if err != nil {
		return nil, err
	}
	if len(t.codes) != ops.Codes {
		return nil, fmt.Errorf("%d codes in ops/code.go, but ops.Codes is %d", len(t.codes), ops.Codes)
	}
	var b bytes.Buffer
	b.WriteString(head)
	used := map[uring.Op]bool{}
	for i, name := range t.codes[1:] {
		code := ops.Code(i + 1)
		op, native := uring.Opcode(code)
		opcode := ""
		if native {
			used[op] = true
			opcode = uring.OpName(op)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", code, strings.Join(t.constructors[name], ", "),
			opcode, uring.Since(code), route(native, t.sources[name]), waits[name], t.testsOf(code.String(), t.constructors[name]))
	}
	b.WriteString(middle)
	for op := range uring.OpLast + 1 {
		if !used[op] {
			name := uring.OpName(op)
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, uring.OpSince(op), aside[name])
		}
	}
	b.WriteString(end)
	for _, n := range notOffered {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", n[0], n[1], n[2])
	}
	return b.Bytes(), nil
}

func route(native bool, source string) string {
	switch {
	case native && source == "":
		return "native"
	case native:
		return "native, else " + source
	case source == "":
		return "the Ring itself"
	}
	return source
}

const maxTests = 4

// testsOf names tests: those that say so first, then those that are called after one of
// the constructors, then others that call one.
func (t *tree) testsOf(op string, constructors []string) string {
	tests := slices.Clone(t.covered[op])
	var others []string
	for _, c := range constructors {
		others = append(others, t.used[c]...)
		if parts := strings.Split(c, "."); len(parts) == 3 {
			others = append(others, t.used[parts[0]+":."+parts[2]]...) // a method
		}
	}
	foreign := func(test string) bool {
		return !slices.ContainsFunc(constructors, func(c string) bool {
			return strings.Contains(test, c[strings.LastIndexByte(c, '.')+1:])
		})
	}
	slices.SortFunc(others, func(a, b string) int {
		if fa, fb := foreign(a), foreign(b); fa != fb {
			return map[bool]int{true: 1, false: -1}[fa]
		}
		return strings.Compare(a, b)
	})
	for _, name := range others {
		if !slices.Contains(tests, name) {
			tests = append(tests, name)
		}
	}
	more := ""
	if len(tests) > maxTests {
		more = " and more"
		tests = tests[:maxTests]
	}
	return strings.Join(tests, ", ") + more
}
