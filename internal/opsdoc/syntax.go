package main

import (
	"bytes"
	"go/ast"
	"go/printer"
	"go/token"
	"slices"
	"strings"
)

// codesOf returns the names of the constants of ops/code.go, in order.
func codesOf(file *ast.File) (codes []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Code") && len(codes) < 255 {
			codes = append(codes, spec.Names[0].Name)
		}
		_, body := n.(*ast.BlockStmt)
		return !body
	})
	return slices.DeleteFunc(codes, func(c string) bool { return c == "Codes" })
}

// sourcesOf finds assignments to r.sources, also inside a loop over codes.
func sourcesOf(file *ast.File, sources map[string]string) {
	var loop []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			loop = codesIn(n.X)
		case *ast.AssignStmt:
			index, ok := n.Lhs[0].(*ast.IndexExpr)
			if !ok || text(index.X) != "r.sources" {
				return true
			}
			by := strings.TrimSuffix(strings.TrimPrefix(text(n.Rhs[0]), "r.pools."), "{}")
			codes := codesIn(index.Index)
			if len(codes) == 0 {
				codes = loop
			}
			for _, c := range codes {
				sources[c] = by
			}
		}
		return true
	})
}

func text(n ast.Node) string {
	var b bytes.Buffer
	_ = printer.Fprint(&b, token.NewFileSet(), n)
	return b.String()
}

// codesIn returns the codes that n mentions, each once.
func codesIn(n ast.Node) (codes []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if ok && len(id.Name) > 4 && strings.HasPrefix(id.Name, "Code") && id.Name != "CodeInvalid" && id.Name[4] < 'a' && !slices.Contains(codes, id.Name) {
			codes = append(codes, id.Name)
		}
		return true
	})
	return codes
}

// nameOf returns f's name, a method's with that of its type.
func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	return strings.TrimLeft(text(f.Recv.List[0].Type), "*") + "." + f.Name.Name
}

// functionOf looks into a function. A constructor returns a Request and has none
// to begin with.
func functionOf(f *ast.FuncDecl) *function {
	isRequest := func(fields *ast.FieldList) bool {
		return fields != nil && slices.ContainsFunc(fields.List, func(p *ast.Field) bool {
			return strings.TrimPrefix(text(p.Type), "ops.") == "Request"
		})
	}
	fn := &function{constructor: f.Name.IsExported() && isRequest(f.Type.Results) && !isRequest(f.Type.Params) && !isRequest(f.Recv)}
	if f.Body == nil {
		return fn
	}
	fn.codes = codesIn(f.Body)
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if id, ok := call.Fun.(*ast.Ident); ok {
				fn.calls = append(fn.calls, id.Name)
			}
		}
		return true
	})
	return fn
}

// reachable returns the codes that name and what it calls mention.
func reachable(functions map[string]*function, name string, seen map[string]bool) (codes []string) {
	f := functions[name]
	if f == nil || seen[name] {
		return nil
	}
	seen[name] = true
	codes = slices.Clone(f.codes)
	if len(codes) > 0 {
		return codes
	}
	for _, call := range f.calls {
		for _, c := range reachable(functions, call, seen) {
			if !slices.Contains(codes, c) {
				codes = append(codes, c)
			}
		}
	}
	return codes
}

// calls returns the functions of other packages that n calls, as ops.Read, and
// those of its own package.
func calls(n ast.Node, folder string) map[string]bool {
	found := map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				found[x.Name+"."+n.Sel.Name] = true
			}
			found["."+n.Sel.Name] = true // a method
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok {
				found[folder+"."+id.Name] = true
			}
		}
		return true
	})
	return found
}
