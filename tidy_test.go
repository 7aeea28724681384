package sluice_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
)

// This file says what the source tree must look like. tidy_rules_test.go and
// tidy_traps_test.go look whether it does; tidy_check_test.go feeds them small
// trees that do not, and expects complaints.

const module = "github.com/sluicego/sluice"

// arrows lists, for each folder, which packages of the module it may import.
// Data flows one way: nothing imports what is above it. A name that ends in /...
// stands for a folder and all below it; the most specific entry counts. Tests in
// an external package (package x_test) may import any of the module.
var arrows = map[string][]string{
	".":                       {},
	"ops":                     {},
	"readiness":               {"ops"},
	"signals":                 {"ops", "internal/..."},
	"locks":                   {"ops", "internal/..."},
	"fallback":                {"ops", "internal/..."},
	"internal/kerneltest/...": {"ops", "ring", "internal/..."},
	"ring":                    {"ops", "readiness", "signals", "locks", "fallback", "internal/..."},
	"internal/uring":          {"ops"},
	"internal/uring/gen":      {},
	"internal/...":            {"ops", "internal/..."},
	"examples/...":            {"ops", "readiness", "signals", "locks", "fallback", "ring"},
}

// outside lists the packages of other modules that may be imported, and where.
var outside = map[string]string{
	"golang.org/x/sys/unix":               "everywhere",
	"golang.org/x/sys/cpu":                "internal",
	"github.com/stretchr/testify/assert":  "tests",
	"github.com/stretchr/testify/require": "tests",
}

// modules are those that go.mod may name. Anything more needs a decision record
// in doc/decisions.
var modules = map[string]string{
	"golang.org/x/sys":              "system call numbers, constants and structs",
	"github.com/stretchr/testify":   "assertions in tests",
	"go.yaml.in/yaml/v3":            "testify needs it",
	"github.com/davecgh/go-spew":    "testify needs it",
	"github.com/pmezard/go-difflib": "testify needs it",
	"gopkg.in/yaml.v3":              "testify needs it",
}

// unsafeFiles are the files outside internal/ that may import unsafe, or are
// assembly, each with the reason.
var unsafeFiles = map[string]string{}

const (
	maxFunctionLines = 70
	maxFileLines     = 400
)

// unfinished are words that mark work left over. They are put together here so
// that this file does not contain them.
var unfinished = []string{"TO" + "DO", "FIX" + "ME", "XX" + "X"}

// machinePaths are the beginnings of paths that exist on somebody's machine only.
var machinePaths = []string{"/ho" + "me/", "/ro" + "ot/", "/Us" + "ers/", "/wo" + "rk/"}

// rules are all there are.
var rules = []struct {
	name  string
	check func(fs.FS) []string
}{
	{"import arrows", checkImports},
	{"places of unsafe", checkUnsafe},
	{"function length", checkFunctionLength},
	{"file length", checkFileLength},
	{"doc comments", checkDocs},
	{"gofmt", checkFormat},
	{"modules", checkModules},
	{"unfinished work and machine paths", checkWords},
	{"traps", checkTraps},
}

func TestTidy(t *testing.T) {
	tree := os.DirFS(".")
	for _, rule := range rules {
		t.Run(strings.ReplaceAll(rule.name, " ", "_"), func(t *testing.T) {
			for _, complaint := range rule.check(tree) {
				t.Error(complaint)
			}
		})
	}
}
