package ops

// SecondPath is the argument of requests that name two paths: Rename, Hardlink,
// Symlink and their variants, which make it. Buf holds the first path.
type SecondPath struct {
	path []byte
}

// Bytes returns the path with the NUL that ends it, for engines. It is the
// SecondPath's own, and not to be changed.
func (p *SecondPath) Bytes() []byte { return p.path }

// String returns the path.
func (p *SecondPath) String() string {
	if p == nil || len(p.path) == 0 {
		return ""
	}
	return string(p.path[:len(p.path)-1])
}

// twoPaths returns a request of the given code with both paths set.
func twoPaths(code Code, first string, firstMayBeEmpty bool, second string) Request {
	buf, err := cpath(first, firstMayBeEmpty)
	if err != nil {
		return refuseErr(code, err)
	}
	other, err := cpath(second, false)
	if err != nil {
		return refuseErr(code, err)
	}
	return Request{Code: code, Buf: buf, Arg: &SecondPath{other}}
}

// validateTwoPaths checks both paths. A SecondPath is made whole by its
// constructor, so one that is not empty is right.
func (r *Request) validateTwoPaths() error {
	if p, ok := r.Arg.(*SecondPath); !ok || p == nil || len(p.path) == 0 {
		return r.wrong("argument %T: want the *SecondPath of a constructor", r.Arg)
	}
	return r.validatePath(r.Code == CodeHardlink && r.Flags&atEmptyPath != 0)
}
