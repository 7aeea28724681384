//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// result is what a run of a program leaves behind.
type result struct {
	out, err string
	status   int
}

func runCommand(t *testing.T, c *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if c.Stdout == nil {
		c.Stdout = &stdout
	}
	c.Stderr = &stderr
	if err := c.Run(); c.ProcessState == nil {
		require.NoError(t, err)
	}
	return result{stdout.String(), stderr.String(), c.ProcessState.ExitCode()}
}

// likeCat runs the program and cat with the same operands in directory dir, and
// wants the same of both.
func likeCat(t *testing.T, flags []string, dir, stdin string, operands ...string) {
	t.Helper()
	one := func(c *exec.Cmd) result {
		c.Dir, c.Stdin = dir, strings.NewReader(stdin)
		return runCommand(t, c)
	}
	want := one(exec.Command("cat", operands...))
	if strings.HasPrefix(want.err, "cat: can't open") {
		t.Skip("cat(1) is BusyBox's here, which words its errors in its own way")
	}
	got := one(command(flags, operands...))
	if got.out != want.out {
		assert.Failf(t, "output differs from cat's", "%v: %s", operands, difference([]byte(got.out), []byte(want.out)))
	}
	assert.Equal(t, want.status, got.status, "%v", operands)
	// The reasons are Go's texts for the errnos, which begin with a small letter.
	messages := strings.ReplaceAll(strings.ToLower(want.err), "cat: ", "cat-and-proxy: ")
	assert.Equal(t, messages, strings.ToLower(got.err), "%v", operands)
}

func difference(got, want []byte) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("byte %d is %#x, want %#x (%d bytes, want %d)", i, got[i], want[i], len(got), len(want))
		}
	}
	return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
}

// noise returns n bytes that no shift or repetition of themselves resembles.
func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	var key [32]byte
	binary.NativeEndian.PutUint64(key[:], seed)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

func writeFile(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, data, 0o644))
	return path
}

// big is a file of 1 GiB, or 64 MiB with -short.
var big = sync.OnceValue(func() string {
	path := filepath.Join(tmp, "big")
	f, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	n := 1024
	if testing.Short() {
		n = 64
	}
	for i := range n {
		if _, err := f.Write(noise(1<<20, uint64(i))); err != nil {
			panic(err)
		}
	}
	return path
})

// sameAs reads r to its end and compares it with the file.
func sameAs(r io.Reader, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	got, want := make([]byte, 1<<18), make([]byte, 1<<18)
	for at := int64(0); ; {
		n, err := r.Read(got)
		if _, err := io.ReadFull(f, want[:n]); err != nil {
			return fmt.Errorf("longer than %s: %w", path, err)
		}
		if !bytes.Equal(got[:n], want[:n]) {
			return fmt.Errorf("at %d: %s", at, difference(got[:n], want[:n]))
		}
		at += int64(n)
		if err == io.EOF {
			if rest, _ := io.Copy(io.Discard, f); rest > 0 {
				return fmt.Errorf("%d bytes are missing after %d", rest, at)
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// sinkFile, sinkPipe and sinkSocket run c and compare its output with the file.
func sinkFile(t *testing.T, c *exec.Cmd, path string) {
	out, err := os.CreateTemp(tmp, "out")
	require.NoError(t, err)
	defer os.Remove(out.Name())
	defer out.Close()
	c.Stdout = out
	assert.Equal(t, result{}, runCommand(t, c))
	_, err = out.Seek(0, io.SeekStart)
	require.NoError(t, err)
	assert.NoError(t, sameAs(out, path))
}

func sinkPipe(t *testing.T, c *exec.Cmd, path string) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	sink(t, c, path, r, w)
}

func sinkSocket(t *testing.T, c *exec.Cmd, path string) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	sink(t, c, path, os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs"))
}

func sink(t *testing.T, c *exec.Cmd, path string, r, w *os.File) {
	defer r.Close()
	var stderr bytes.Buffer
	c.Stdout, c.Stderr = w, &stderr
	require.NoError(t, c.Start())
	w.Close()
	assert.NoError(t, sameAs(r, path))
	assert.NoError(t, c.Wait())
	assert.Empty(t, stderr.String())
}

var sinks = []struct {
	name string
	run  func(*testing.T, *exec.Cmd, string)
}{{"file", sinkFile}, {"pipe", sinkPipe}, {"socket", sinkSocket}}

func TestBigFile(t *testing.T) {
	for _, s := range sinks {
		t.Run("to "+s.name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, flags ...string) {
				s.run(t, command(flags, big()), big())
			})
		})
	}
}

// Every kind of standard input, to every kind of standard output.
func TestStandardInput(t *testing.T) {
	path := writeFile(t, t.TempDir(), "f", noise(longOr(20, 4)<<20+12345, 1))
	sources := []struct {
		name string
		feed func(t *testing.T, c *exec.Cmd)
	}{
		{"file", func(t *testing.T, c *exec.Cmd) {
			f, err := os.Open(path)
			require.NoError(t, err)
			t.Cleanup(func() { f.Close() })
			c.Stdin = f
		}},
		{"pipe", func(t *testing.T, c *exec.Cmd) {
			r, w, err := os.Pipe()
			require.NoError(t, err)
			feed(t, c, path, r, w)
		}},
		{"socket", func(t *testing.T, c *exec.Cmd) {
			fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
			require.NoError(t, err)
			feed(t, c, path, os.NewFile(uintptr(fds[0]), "theirs"), os.NewFile(uintptr(fds[1]), "ours"))
		}},
	}
	for _, from := range sources {
		for _, to := range sinks {
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				eachMode(t, func(t *testing.T, flags ...string) {
					c := command(flags)
					from.feed(t, c)
					to.run(t, c, path)
				})
			})
		}
	}
}

// feed makes r the standard input of c, and writes the file to w.
func feed(t *testing.T, c *exec.Cmd, path string, r, w *os.File) {
	c.Stdin = r
	done := make(chan error, 1)
	go func() {
		defer w.Close()
		data, err := os.ReadFile(path)
		if err == nil {
			_, err = w.Write(data)
		}
		done <- err
	}()
	t.Cleanup(func() {
		r.Close()
		assert.NoError(t, <-done)
	})
}

func TestSmallFiles(t *testing.T) {
	dir := t.TempDir()
	names := make([]string, longOr(5000, 300))
	for i := range names {
		names[i] = fmt.Sprintf("f%d", i)
		writeFile(t, dir, names[i], noise(i*i%9973, uint64(i)))
	}
	eachMode(t, func(t *testing.T, flags ...string) { likeCat(t, flags, dir, "", names...) })
}

// Sizes around those of buffers, where off-by-one errors live.
func TestSizes(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for _, size := range []int{0, 1, 4095, 4096, chunkSize, 2 * chunkSize, spliceMin, chunks * chunkSize, 3 << 20} {
		for d := -1; d <= 1; d++ {
			if size+d >= 0 {
				name := fmt.Sprint(size + d)
				writeFile(t, dir, name, noise(size+d, uint64(size+d)))
				names = append(names, name)
			}
		}
	}
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	eachMode(t, func(t *testing.T, flags ...string) {
		likeCat(t, flags, dir, "", names...)
		for _, n := range names[:longOr(len(names), 5)] {
			likeCat(t, flags, dir, "", n)
			c := command(flags, n)
			c.Dir = dir
			sinkFile(t, c, filepath.Join(dir, n))
		}
	})
}

func TestOperands(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "a", []byte("this is a\n"))
	writeFile(t, dir, "b", noise(3<<20, 2))
	writeFile(t, dir, "empty", nil)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "dir"), 0o755))
	require.NoError(t, os.Symlink("a", filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	cases := [][]string{
		{},
		{"-"},
		{"-", "-"},
		{"a", "-", "b"},
		{"-", "a", "-"},
		{"a", "missing", "b"},
		{"missing"},
		{"missing", "-", "missing", "a", "missing"},
		{"dir"},
		{"a", "dir", "a", "dir/", "a/", "a"},
		{"empty"},
		{"empty", "empty", "a", "empty"},
		{"link", "loop", "b", "b"},
		{"/proc/version", "a", "/proc/filesystems", "/proc/self/cgroup", "b"},
		{"/sys/kernel/mm/transparent_hugepage/enabled", "/dev/null", "a"},
		{strings.Repeat("x", 300), "a"},
	}
	eachMode(t, func(t *testing.T, flags ...string) {
		for _, operands := range cases {
			likeCat(t, flags, dir, "from standard input\n", operands...)
		}
		likeCat(t, flags, dir, string(noise(1<<20, 3)), "b", "-", "a")
	})
}

func TestUnreadable(t *testing.T) {
	dir := filepath.Join(tmp, "unreadable")
	require.NoError(t, os.Mkdir(dir, 0o755))
	writeFile(t, dir, "a", []byte("a"))
	require.NoError(t, os.Chmod(writeFile(t, dir, "secret", []byte("s")), 0))
	eachMode(t, func(t *testing.T, flags ...string) {
		c := command(flags, "a", "secret", "a")
		c.Dir = dir
		if os.Getuid() == 0 {
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		assert.Equal(t, result{"aa", "cat-and-proxy: secret: permission denied\n", 1}, runCommand(t, c))
	})
}
