package main

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/sluicego/sluice/internal/kerneltest/job"
)

// packTree writes the folder dir as an archive to file.
func packTree(dir, file string) error {
	return pack(file, func(a *archive) error {
		return fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || name == "." {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			var content []byte
			switch {
			case info.Mode()&fs.ModeSymlink != 0:
				target, err := os.Readlink(filepath.Join(dir, name))
				if err != nil {
					return err
				}
				content = []byte(target)
			case info.Mode().IsRegular():
				if content, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
					return err
				}
			}
			a.add(name, info.Mode(), content)
			return nil
		})
	})
}

// packJob writes an archive with j alone. The kernel unpacks archives that follow
// each other.
func packJob(j job.Job, file string) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return pack(file, func(a *archive) error {
		a.add(path.Base(job.Path), 0o644, text)
		return nil
	})
}

func pack(file string, fill func(*archive) error) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // the second time it does nothing
	w := bufio.NewWriter(f)
	a := &archive{w: w}
	if err := fill(a); err != nil {
		return err
	}
	if err := a.end(); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
