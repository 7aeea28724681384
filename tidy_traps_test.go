package sluice_test

import (
	"fmt"
	"go/ast"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The traps that doc/traps.md lists, and the ways in which one can be handled.
const (
	traps     = 50
	trapsFile = "doc/traps.md"
)

var trapWays = []string{"by design", "tested", "documented", "later"}

// trap is a row of the table in doc/traps.md.
type trap struct {
	ways  []string
	tests []string
}

// A test that covers a trap says so in a comment on or in its function, as in
// "trap 7", "traps 7 and 9" or "traps 7, 8 and 9".
var (
	trapMention = regexp.MustCompile(`(?i)\btraps?\s+(\d+(?:(?:,\s*|\s+and\s+|,\s+and\s+)\d+)*)`)
	trapNumber  = regexp.MustCompile(`\d+`)
	trapTest    = regexp.MustCompile("`((?:Test|Fuzz|Benchmark|Example)\\w*)`")
)

// checkTraps holds the table of traps against the tests that name them.
func checkTraps(tree fs.FS) []string {
	table, complaints := readTraps(tree)
	names := map[string]bool{}            // all test functions
	mentions := map[int]map[string]bool{} // trap: the tests that name it
	complaints = append(complaints, eachSource(tree, func(s *source) []string {
		return collectTraps(s, names, mentions)
	})...)
	for n := 1; n <= traps; n++ {
		row, ok := table[n]
		if !ok {
			complaints = append(complaints, fmt.Sprintf("%s has no row for trap %d: add it", trapsFile, n))
			continue
		}
		complaints = append(complaints, compareTrap(n, row, names, mentions[n])...)
	}
	return complaints
}

// readTraps reads the rows "| number | trap | how | where | tests |".
func readTraps(tree fs.FS) (map[int]trap, []string) {
	text, err := fs.ReadFile(tree, trapsFile)
	if err != nil {
		return nil, []string{fmt.Sprintf("%s: %v: it lists every trap and how it is handled", trapsFile, err)}
	}
	table := map[int]trap{}
	var complaints []string
	for i, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|")
		n, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if !strings.HasPrefix(line, "|") || err != nil {
			continue
		}
		if _, twice := table[n]; twice || n < 1 || n > traps || len(cells) != 5 {
			complaints = append(complaints, fmt.Sprintf("%s:%d: trap %d: want five cells, and every number from 1 to %d once", trapsFile, i+1, n, traps))
			continue
		}
		row := trap{}
		for _, way := range strings.Split(cells[2], ",") {
			row.ways = append(row.ways, strings.TrimSpace(way))
		}
		for _, m := range trapTest.FindAllStringSubmatch(cells[4], -1) {
			row.tests = append(row.tests, m[1])
		}
		table[n] = row
	}
	return table, complaints
}

// collectTraps notes the test functions of s and the traps that they name.
func collectTraps(s *source, names map[string]bool, mentions map[int]map[string]bool) (complaints []string) {
	for _, group := range s.ast.Comments {
		for _, m := range trapMention.FindAllStringSubmatch(group.Text(), -1) {
			for _, digits := range trapNumber.FindAllString(m[1], -1) {
				n, _ := strconv.Atoi(digits)
				if n < 1 || n > traps {
					complaints = append(complaints, fmt.Sprintf("%s: there is no trap %d: see %s", s.at(group.Pos()), n, trapsFile))
					continue
				}
				if test := testAround(s, group); test != "" {
					if mentions[n] == nil {
						mentions[n] = map[string]bool{}
					}
					mentions[n][test] = true
				}
			}
		}
	}
	if s.isTest() {
		for _, decl := range s.ast.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && isTestName(f.Name.Name) {
				names[f.Name.Name] = true
			}
		}
	}
	return complaints
}

// testAround returns the test function that the comment is about.
func testAround(s *source, group *ast.CommentGroup) string {
	if !s.isTest() {
		return ""
	}
	for _, decl := range s.ast.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if ok && isTestName(f.Name.Name) && (f.Doc == group || f.Pos() <= group.Pos() && group.End() <= f.End()) {
			return f.Name.Name
		}
	}
	return ""
}

func isTestName(name string) bool { return trapTest.MatchString("`" + name + "`") }

// compareTrap holds a row against the tests that exist and those that name it.
func compareTrap(n int, row trap, names, mentions map[string]bool) (complaints []string) {
	complain := func(format string, args ...any) {
		complaints = append(complaints, fmt.Sprintf("%s, trap %d: ", trapsFile, n)+fmt.Sprintf(format, args...))
	}
	for _, way := range row.ways {
		if !slices.Contains(trapWays, way) {
			complain("%q is no way to handle it: want %s", way, strings.Join(trapWays, ", "))
		}
	}
	if slices.Contains(row.ways, "tested") != (len(row.tests) > 0) {
		complain("the word tested and the name of a test belong together: add what is missing")
	}
	for _, test := range row.tests {
		switch {
		case !names[test]:
			complain("there is no %s: correct the name, or write the test", test)
		case !mentions[test]:
			complain("%s does not say that it covers it: add the comment \"// trap %d\" to the test", test, n)
		}
	}
	for test := range mentions {
		if !slices.Contains(row.tests, test) {
			complain("%s names it but the row does not name the test: add `%s` to the last cell and \"tested\" to the third", test, test)
		}
	}
	return complaints
}
