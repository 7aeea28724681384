package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// tree is what the sources say, by the names of codes (CodeRead).
type tree struct {
	codes        []string            // in order of their values
	constructors map[string][]string // of each code, as ops.Read
	sources      map[string]string   // what carries it out beside the kernel
	covered      map[string][]string // tests whose comment says that they cover it, by its printed name
	used         map[string][]string // tests that call a constructor, by that
	examples     map[string]bool     // constructors that examples call
}

// function is what the body of a function mentions.
type function struct {
	codes, calls []string
	constructor  bool
}

// scan reads the module.
func scan(module fs.FS) (*tree, error) {
	t := &tree{
		constructors: map[string][]string{}, sources: map[string]string{},
		covered: map[string][]string{}, used: map[string][]string{}, examples: map[string]bool{},
	}
	packages := map[string]map[string]*function{}
	err := fs.WalkDir(module, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (name == ".git" || name == "bench") {
			return cmpSkip(err)
		}
		if d.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(module, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		t.file(name, file, packages)
		return nil
	})
	for pkg, functions := range packages {
		for name, f := range functions {
			if f.constructor {
				for _, code := range reachable(functions, name, map[string]bool{}) {
					t.constructors[code] = append(t.constructors[code], pkg+"."+name)
				}
			}
		}
	}
	for _, list := range t.constructors {
		slices.Sort(list)
	}
	for code, list := range methods {
		t.constructors[code] = append(t.constructors[code], list...)
	}
	return t, err
}

func cmpSkip(err error) error {
	if err != nil {
		return err
	}
	return fs.SkipDir
}

// file takes in one file.
func (t *tree) file(name string, file *ast.File, packages map[string]map[string]*function) {
	folder := path.Dir(name)
	switch {
	case strings.HasSuffix(name, "_test.go"):
		t.tests(folder, file)
	case strings.HasPrefix(folder, "examples/"):
		for call := range calls(file, "") {
			t.examples[call] = true
		}
	case name == "ops/code.go":
		t.codes = codesOf(file)
	case name == "ring/sources_linux.go":
		sourcesOf(file, t.sources)
	}
	if strings.HasSuffix(name, "_test.go") || !slices.Contains([]string{"ops", "readiness", "locks", "signals", "fallback"}, folder) {
		return
	}
	if packages[folder] == nil {
		packages[folder] = map[string]*function{}
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			packages[folder][nameOf(f)] = functionOf(f)
		}
	}
}

// tests notes what the tests and examples of a file call and cover.
func (t *tree) tests(folder string, file *ast.File) {
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil {
			continue
		}
		if strings.HasPrefix(f.Name.Name, "Example") {
			for call := range calls(f, folder) {
				t.examples[call] = true
			}
		}
		if !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
			continue
		}
		for call := range calls(f, folder) {
			if call[0] == '.' {
				call = folder + ":" + call // methods have names that others have too
			}
			t.used[call] = append(t.used[call], f.Name.Name)
		}
		for line := range strings.Lines(f.Doc.Text()) {
			if list, ok := strings.CutPrefix(line, "covers: "); ok {
				for _, op := range strings.Fields(list) {
					t.covered[op] = append(t.covered[op], f.Name.Name)
				}
			}
		}
	}
}
