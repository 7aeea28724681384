package main

import (
	"fmt"
	"regexp"
	"strings"
)

// group is one [Prefix] section of the table.
type group struct {
	prefix  string // of the Go names
	cPrefix string // of the kernel's names
	typ     string // Go type, "" for untyped
	man     string // manual page
	names   string // variable for a table of names, "" for none
	consts  []constant
}

// constant is one line of a section.
type constant struct {
	name  string // without prefix, as in the header
	value string // Go expression
	since string // "5.6"
	note  string // may be empty
}

var (
	valueForm = regexp.MustCompile(`^(-?\d+|0x[0-9a-f]+|1<<\d+|~0)$`)
	sinceForm = regexp.MustCompile(`^[5-9]\.\d+$`)
)

// parse reads the table; its first lines describe the form.
func parse(table string) ([]group, error) {
	var groups []group
	for i, line := range strings.Split(table, "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || strings.HasPrefix(f[0], "#"):
		case strings.HasPrefix(f[0], "["):
			g, err := parseGroup(f)
			if err != nil {
				return nil, fmt.Errorf("table.txt:%d: %w", i+1, err)
			}
			groups = append(groups, g)
		case len(groups) == 0 || len(f) < 3 || !valueForm.MatchString(f[1]) || !sinceForm.MatchString(f[2]):
			return nil, fmt.Errorf("table.txt:%d: want NAME value release, have %q", i+1, line)
		default:
			value := f[1]
			if value == "~0" {
				value = "1<<32 - 1"
			}
			g := &groups[len(groups)-1]
			g.consts = append(g.consts, constant{f[0], value, f[2], strings.Join(f[3:], " ")})
		}
	}
	return groups, nil
}

// parseGroup reads the fields of a section's first line.
func parseGroup(f []string) (group, error) {
	if len(f) < 2 {
		return group{}, fmt.Errorf("section %s has no C prefix", f[0])
	}
	g := group{prefix: strings.Trim(f[0], "[]"), cPrefix: f[1]}
	for _, option := range f[2:] {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "type":
			g.typ = value
		case "man":
			g.man = value
		case "names":
			g.names = value
		default:
			return group{}, fmt.Errorf("section %s: unknown option %q", f[0], option)
		}
	}
	return g, nil
}

// words spells the parts of kernel names that are not plain capitalised words.
var words = map[string]string{
	"FD": "FD", "FDS": "FDs", "ZC": "ZC", "CQE": "CQE", "CQE32": "CQE32", "SQE": "SQE",
	"SQE128": "SQE128", "SQES": "SQEs", "CQ": "CQ", "SQ": "SQ", "IO": "IO", "IOPOLL": "IOPoll",
	"SQPOLL": "SQPoll", "CQSIZE": "CQSize", "SQARRAY": "SQArray", "TASKRUN": "TaskRun",
	"NODROP": "NoDrop", "GETEVENTS": "GetEvents", "IOWQ": "IOWQ", "IOWAIT": "IOWait",
	"NAPI": "NAPI", "BPF": "BPF", "PI": "PI", "RW": "RW", "EVENTFD": "EventFD",
	"SOCK": "Sock", "RECVSEND": "RecvSend", "HARDLINK": "HardLink", "READV": "Readv",
	"NONFIXED": "NonFixed", "32BITS": "32Bits", "DONTWAIT": "DontWait", "CLOEXEC": "CloExec",
	"NONEMPTY": "NonEmpty", "USERDATA": "UserData", "IFQ": "IFQ", "SCQ": "SCQ",
}

// goName turns READ_FIXED into ReadFixed.
func goName(name string) string {
	var b strings.Builder
	for _, part := range strings.Split(name, "_") {
		if w, ok := words[part]; ok {
			b.WriteString(w)
			continue
		}
		b.WriteString(part[:1] + strings.ToLower(part[1:]))
	}
	return b.String()
}
