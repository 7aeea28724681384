package sluice_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// source is a parsed Go file of the tree.
type source struct {
	path string
	text []byte
	ast  *ast.File
	fset *token.FileSet
}

func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// isExternalTest reports whether s is in a package of its own beside the one
// that it tests, and so above all of them.
func (s *source) isExternalTest() bool {
	return s.isTest() && strings.HasSuffix(s.ast.Name.Name, "_test")
}

func (s *source) at(p token.Pos) string {
	return fmt.Sprintf("%s:%d", s.path, s.fset.Position(p).Line)
}

// walk calls visit for every regular file of the main module's tree. Folders
// with a go.mod of their own are other modules; bench is one.
func walk(tree fs.FS, visit func(name string, text []byte)) []string {
	var complaints []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name == ".git" || path.Base(name) == "testdata" || name != "." && exists(tree, path.Join(name, "go.mod")) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || name == ".git" { // a linked worktree's is a file
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		visit(name, text)
		return err
	})
	if err != nil {
		complaints = append(complaints, fmt.Sprintf("reading the tree: %v", err))
	}
	return complaints
}

func exists(tree fs.FS, name string) bool {
	_, err := fs.Stat(tree, name)
	return err == nil
}

// eachSource parses every Go file and collects what check says about it. Files
// that do not parse are left to checkFormat.
func eachSource(tree fs.FS, check func(*source) []string) []string {
	var complaints []string
	trouble := walk(tree, func(name string, text []byte) {
		if path.Ext(name) != ".go" {
			return
		}
		s := &source{path: name, text: text, fset: token.NewFileSet()}
		var err error
		s.ast, err = parser.ParseFile(s.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err == nil {
			complaints = append(complaints, check(s)...)
		}
	})
	return append(complaints, trouble...)
}

func checkImports(tree fs.FS) []string {
	return eachSource(tree, func(s *source) (complaints []string) {
		for _, spec := range s.ast.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if c := judgeImport(s, name); c != "" {
				complaints = append(complaints, s.at(spec.Pos())+": "+c)
			}
		}
		return complaints
	})
}

// judgeImport returns what is wrong with s importing name, or nothing.
func judgeImport(s *source, name string) string {
	first, _, _ := strings.Cut(name, "/")
	inner, ours := strings.CutPrefix(name, module+"/")
	switch {
	case ours:
		return judgeArrow(s, inner)
	case name == "C":
		return "imports C: the module builds without cgo; use golang.org/x/sys/unix, or put the code in bench"
	case !strings.Contains(first, "."):
		return "" // the standard library
	case outside[name] == "everywhere",
		outside[name] == "tests" && s.isTest(),
		outside[name] == "internal" && strings.HasPrefix(s.path, "internal/"):
		return ""
	}
	return fmt.Sprintf("imports %s, which is not allowed here: do without, or write a decision record and add it to outside in tidy_test.go", name)
}

func judgeArrow(s *source, target string) string {
	folder := path.Dir(s.path)
	allowed, known := lookup(folder)
	if !known {
		return fmt.Sprintf("folder %s has no import rule: add it to arrows in tidy_test.go and to the table in doc/architecture.md", folder)
	}
	if target == folder || s.isExternalTest() {
		return ""
	}
	for _, a := range allowed {
		if below, ok := strings.CutSuffix(a, "/..."); a == target || ok && strings.HasPrefix(target, below+"/") {
			return ""
		}
	}
	if s.isTest() && strings.HasPrefix(target, "internal/") {
		return "" // test kits live there
	}
	return fmt.Sprintf("%s may not import %s: move what is needed down, or declare an interface where it is used (arrows in tidy_test.go)", folder, target)
}

// lookup returns the most specific entry of arrows for folder.
func lookup(folder string) (allowed []string, known bool) {
	if allowed, known = arrows[folder]; known {
		return allowed, true
	}
	for up := path.Dir(folder); up != "."; up = path.Dir(up) {
		if allowed, known = arrows[up+"/..."]; known {
			return allowed, true
		}
	}
	return nil, false
}

func checkUnsafe(tree fs.FS) []string {
	used := map[string]bool{}
	complain := func(name, what string) []string {
		if strings.HasPrefix(name, "internal/") {
			return nil
		}
		used[name] = true
		if unsafeFiles[name] != "" {
			return nil
		}
		return []string{fmt.Sprintf("%s %s: move that under internal/, or list the file with a reason in unsafeFiles in tidy_test.go", name, what)}
	}
	complaints := eachSource(tree, func(s *source) []string {
		for _, spec := range s.ast.Imports {
			if spec.Path.Value == `"unsafe"` {
				return complain(s.path, "imports unsafe")
			}
		}
		return nil
	})
	walk(tree, func(name string, _ []byte) {
		if path.Ext(name) == ".s" {
			complaints = append(complaints, complain(name, "is assembly")...)
		}
	})
	for name := range unsafeFiles {
		if !used[name] {
			complaints = append(complaints, name+" is in unsafeFiles but needs no leave: take it off the list in tidy_test.go")
		}
	}
	return complaints
}

func checkFunctionLength(tree fs.FS) []string {
	return eachSource(tree, func(s *source) (complaints []string) {
		if s.isTest() {
			return nil
		}
		for _, decl := range s.ast.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
			if n > maxFunctionLines {
				complaints = append(complaints, fmt.Sprintf("%s: %s has %d lines: split it into parts of at most %d", s.at(f.Pos()), f.Name.Name, n, maxFunctionLines))
			}
		}
		return complaints
	})
}

func checkFileLength(tree fs.FS) []string {
	return eachSource(tree, func(s *source) []string {
		n := bytes.Count(s.text, []byte("\n"))
		if n <= maxFileLines || ast.IsGenerated(s.ast) {
			return nil
		}
		return []string{fmt.Sprintf("%s has %d lines: split it by concern into files of at most %d", s.path, n, maxFileLines)}
	})
}

func checkFormat(tree fs.FS) (complaints []string) {
	trouble := walk(tree, func(name string, text []byte) {
		if path.Ext(name) != ".go" {
			return
		}
		formatted, err := format.Source(text)
		if err != nil {
			complaints = append(complaints, fmt.Sprintf("%s does not parse: %v", name, err))
		} else if !bytes.Equal(formatted, text) {
			complaints = append(complaints, fmt.Sprintf("%s is not formatted: run gofmt -w %s", name, name))
		}
	})
	return append(complaints, trouble...)
}

func checkDocs(tree fs.FS) []string {
	documented := map[string]bool{} // folder: its package has a comment
	complaints := eachSource(tree, func(s *source) (complaints []string) {
		if s.isTest() {
			return nil
		}
		folder := path.Dir(s.path)
		documented[folder] = documented[folder] || s.ast.Doc.Text() != ""
		for _, decl := range s.ast.Decls {
			for _, name := range undocumented(decl) {
				complaints = append(complaints, fmt.Sprintf("%s: %s has no doc comment: say what it does, its units, errors and who owns buffers", s.at(name.Pos()), name.Name))
			}
		}
		return complaints
	})
	for folder, ok := range documented {
		if !ok {
			complaints = append(complaints, fmt.Sprintf("package in %s has no comment: begin one file with \"// Package %s ...\", a program's with \"// Command %s ...\"", folder, path.Base(folder), path.Base(folder)))
		}
	}
	return complaints
}

// undocumented returns the exported names that decl declares without a comment.
// In a group of constants or variables the group's comment will do, or one at
// the end of the line.
func undocumented(decl ast.Decl) (names []*ast.Ident) {
	if f, ok := decl.(*ast.FuncDecl); ok {
		if f.Name.IsExported() && f.Doc.Text() == "" && exportedReceiver(f) && f.Name.Name != "Error" {
			names = append(names, f.Name)
		}
		return names
	}
	g := decl.(*ast.GenDecl)
	for _, spec := range g.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc.Text() == "" && (g.Lparen.IsValid() || g.Doc.Text() == "") {
				names = append(names, spec.Name)
			}
		case *ast.ValueSpec:
			if g.Doc.Text() == "" && spec.Doc.Text() == "" && spec.Comment.Text() == "" {
				names = append(names, slices.DeleteFunc(slices.Clone(spec.Names), func(n *ast.Ident) bool { return !n.IsExported() })...)
			}
		}
	}
	return names
}

// exportedReceiver reports whether f is a function, or a method of an exported type.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	exported := false
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		exported = exported || ok && id.IsExported()
		return !ok
	})
	return exported
}

var requirement = regexp.MustCompile(`(?m)^(?:require\s+|replace\s+|\t)([\w.-]+\.[\w.-]+/\S+|[\w.-]+\.[\w.-]+)\s`)

func checkModules(tree fs.FS) (complaints []string) {
	text, err := fs.ReadFile(tree, "go.mod")
	if err != nil {
		return []string{"go.mod: " + err.Error()}
	}
	for _, m := range requirement.FindAllStringSubmatch(string(text), -1) {
		if modules[m[1]] == "" {
			complaints = append(complaints, fmt.Sprintf("go.mod names %s: do without it, or write a decision record and add it to modules in tidy_test.go", m[1]))
		}
	}
	if bytes.Contains(text, []byte("\nreplace")) {
		complaints = append(complaints, "go.mod has a replace directive: users of the module do not see it, so remove it")
	}
	return complaints
}

func checkWords(tree fs.FS) []string {
	var complaints []string
	marks := regexp.MustCompile(`\b(?:` + strings.Join(unfinished, "|") + `)\b`)
	paths := regexp.MustCompile("(?:^|[\\s\"'`(=:])(" + strings.Join(machinePaths, "|") + ")")
	trouble := walk(tree, func(name string, text []byte) {
		if !utf8.Valid(text) {
			return // a picture or the like
		}
		for i, line := range strings.Split(string(text), "\n") {
			if word := marks.FindString(line); word != "" {
				complaints = append(complaints, fmt.Sprintf("%s:%d: %s: finish it, or open an issue and remove the word", name, i+1, word))
			}
			if m := paths.FindStringSubmatch(line); m != nil {
				complaints = append(complaints, fmt.Sprintf("%s:%d: a path below %s exists on one machine only: use a relative one, or a temporary folder", name, i+1, m[1]))
			}
		}
	})
	return append(complaints, trouble...)
}
