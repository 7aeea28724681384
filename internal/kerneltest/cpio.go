package main

import (
	"fmt"
	"io"
	"io/fs"
)

// archive writes what the kernel unpacks into its first file system: the "newc"
// form of cpio, as Documentation/driver-api/early-userspace/buffer-format.rst of
// the kernel has it. Everything belongs to root.
type archive struct {
	w     io.Writer
	inode int
	err   error // the first one
}

// add appends an entry: a folder, a file or a symbolic link with its content.
func (a *archive) add(name string, mode fs.FileMode, content []byte) {
	kind := 0o100000
	switch {
	case mode.IsDir():
		kind = 0o040000
	case mode&fs.ModeSymlink != 0:
		kind = 0o120000
	}
	a.inode++
	a.entry(name, a.inode, kind|int(mode.Perm()), content)
}

// end appends what ends an archive.
func (a *archive) end() error {
	a.entry("TRAILER!!!", 0, 0, nil)
	return a.err
}

func (a *archive) entry(name string, inode, mode int, content []byte) {
	const links = 1
	header := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", inode, mode, 0, 0, links, 0,
		len(content), 0, 0, 0, 0, len(name)+1, 0)
	a.write([]byte(header + name + "\x00"))
	a.pad(len(header) + len(name) + 1)
	a.write(content)
	a.pad(len(content))
}

// pad fills up to a multiple of four bytes.
func (a *archive) pad(n int) { a.write(make([]byte, -n&3)) }

func (a *archive) write(p []byte) {
	if a.err == nil {
		_, a.err = a.w.Write(p)
	}
}
