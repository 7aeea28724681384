//go:build linux

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestInputIsOutput(t *testing.T) {
	cases := []struct {
		name   string
		flag   int
		before string // content of the output
		stdin  bool   // the output is standard input as well
		names  []string
		after  string
		status int
	}{
		{"append", os.O_APPEND, "old", false, []string{"a", "out", "a"}, "oldAA", 1},
		{"truncated", os.O_TRUNC, "old", false, []string{"a", "out", "a"}, "AA", 1},
		{"still empty", os.O_TRUNC, "old", false, []string{"out", "a"}, "A", 0},
		{"only itself", os.O_APPEND, "old", false, []string{"out"}, "old", 1},
		{"standard input", os.O_APPEND, "old", true, []string{"-"}, "old", 1},
	}
	eachMode(t, func(t *testing.T, flags ...string) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				dir := t.TempDir()
				writeFile(t, dir, "a", []byte("A"))
				path := writeFile(t, dir, "out", []byte(c.before))
				out, err := os.OpenFile(path, os.O_WRONLY|c.flag, 0)
				require.NoError(t, err)
				defer out.Close()
				cmd := command(flags, c.names...)
				cmd.Dir, cmd.Stdout = dir, out
				if c.stdin {
					in, err := os.Open(path)
					require.NoError(t, err)
					defer in.Close()
					cmd.Stdin = in
				}
				r := runCommand(t, cmd)
				assert.Equal(t, c.status, r.status)
				assert.Equal(t, c.status != 0, strings.Contains(r.err, ": input file is output file\n"), r.err)
				data, err := os.ReadFile(path)
				require.NoError(t, err)
				assert.Equal(t, c.after, string(data))
			})
		}
	})
}

// A reader that has seen enough is no reason to complain.
func TestClosedOutput(t *testing.T) {
	dir := t.TempDir()
	small := slices.Repeat([]string{writeFile(t, dir, "small", noise(1000, 1))}, 3000)
	eachMode(t, func(t *testing.T, flags ...string) {
		for _, operands := range [][]string{{big()}, small, {"/dev/zero"}} {
			c := command(flags, operands...)
			out, err := c.StdoutPipe()
			require.NoError(t, err)
			var stderr bytes.Buffer
			c.Stderr = &stderr
			require.NoError(t, c.Start())
			_, err = io.ReadFull(out, make([]byte, 1000))
			require.NoError(t, err)
			out.Close()
			_ = c.Wait()
			assert.Equal(t, 128+int(syscall.SIGPIPE), c.ProcessState.ExitCode())
			assert.Empty(t, stderr.String())
		}
	})
}

func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	eachMode(t, func(t *testing.T, flags ...string) {
		c := command(flags, "/proc/version")
		c.Stdout = full
		assert.Equal(t, result{"", "cat-and-proxy: write error: no space left on device\n", 1}, runCommand(t, c))
	})
}

// Like cat, the program starts where standard input stands, and leaves it where
// it has read to.
func TestSharedPosition(t *testing.T) {
	dir := t.TempDir()
	for _, size := range []int{100, 2 * spliceMin} {
		path := writeFile(t, dir, "f", append([]byte("first line\n"), noise(size, 4)...))
		script := `read line; echo "$line"; "$@" -; echo between; "$@" - -; echo end`
		shell := func(program ...string) result {
			in, err := os.Open(path)
			require.NoError(t, err)
			defer in.Close()
			c := exec.Command("sh", append([]string{"-c", script, "sh"}, program...)...)
			c.Stdin = in
			return runCommand(t, c)
		}
		want := shell("cat")
		eachMode(t, func(t *testing.T, flags ...string) {
			got := shell(append([]string{executable}, flags...)...)
			assert.True(t, want == got, difference([]byte(got.out), []byte(want.out)))
		})
	}
}

// What comes after a live operand is not looked at before that has ended.
func TestLiveOperands(t *testing.T) {
	eachMode(t, func(t *testing.T, flags ...string) {
		dir := t.TempDir()
		require.NoError(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
		writeFile(t, dir, "changes", []byte("too early"))
		c := command(flags, "-", "appears", "fifo", "changes")
		c.Dir = dir
		in, err := c.StdinPipe()
		require.NoError(t, err)
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		lines := bufio.NewReader(out)
		expect := func(want string) {
			t.Helper()
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, want, line)
		}
		for _, s := range []string{"one\n", "two\n"} { // each at once, as from a terminal
			_, err = io.WriteString(in, s)
			require.NoError(t, err)
			expect(s)
		}
		writeFile(t, dir, "appears", []byte("it did\n"))
		require.NoError(t, in.Close())
		expect("it did\n")
		fifo, err := os.OpenFile(filepath.Join(dir, "fifo"), os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = io.WriteString(fifo, "through the fifo\n")
		require.NoError(t, err)
		expect("through the fifo\n")
		writeFile(t, dir, "changes", []byte("in time\n"))
		require.NoError(t, fifo.Close())
		expect("in time\n")
		assert.NoError(t, c.Wait())
	})
}

// Pipes that somebody else has made non-blocking (trap 10).
func TestNonblocking(t *testing.T) {
	data := noise(1<<20, 5)
	eachMode(t, func(t *testing.T, flags ...string) {
		var in, out [2]int
		require.NoError(t, unix.Pipe2(in[:], unix.O_CLOEXEC|unix.O_NONBLOCK))
		require.NoError(t, unix.Pipe2(out[:], unix.O_CLOEXEC|unix.O_NONBLOCK))
		stdin, stdout := os.NewFile(uintptr(in[0]), "stdin"), os.NewFile(uintptr(out[1]), "stdout")
		from, to := os.NewFile(uintptr(in[1]), "from"), os.NewFile(uintptr(out[0]), "to")
		defer to.Close()
		// Passing an *os.File to a child leaves the flag of the open file alone,
		// where exec.Cmd itself would clear it.
		attr := &os.ProcAttr{Files: []*os.File{stdin, stdout, os.Stderr}}
		setNonblock := func() {
			require.NoError(t, unix.SetNonblock(in[0], true))
			require.NoError(t, unix.SetNonblock(out[1], true))
		}
		p, err := os.StartProcess(executable, append([]string{executable}, flags...), attr)
		require.NoError(t, err)
		setNonblock()
		stdin.Close()
		stdout.Close()
		go func() {
			defer from.Close()
			for rest := data; len(rest) > 0; {
				n := min(len(rest), 100_000)
				_, _ = from.Write(rest[:n])
				rest = rest[n:]
				time.Sleep(5 * time.Millisecond)
			}
		}()
		got, err := io.ReadAll(to)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(data, got), difference(got, data))
		state, err := p.Wait()
		require.NoError(t, err)
		assert.Zero(t, state.ExitCode())
	})
}

func TestInterruptedCat(t *testing.T) {
	eachMode(t, func(t *testing.T, flags ...string) {
		for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			c := command(flags, "-")
			in, err := c.StdinPipe()
			require.NoError(t, err)
			out, err := c.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
			_, err = in.Write([]byte("x"))
			require.NoError(t, err)
			_, err = io.ReadFull(out, make([]byte, 1)) // it runs
			require.NoError(t, err)
			require.NoError(t, c.Process.Signal(s))
			_ = c.Wait()
			assert.Equal(t, 128+int(s), c.ProcessState.ExitCode())
		}
	})
}
