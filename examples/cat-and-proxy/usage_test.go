//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"-nonsense"}, "-nonsense"},
		{[]string{"-listen", "127.0.0.1:0"}, "-listen and -to go together"},
		{[]string{"-to", "127.0.0.1:1"}, "-listen and -to go together"},
		{[]string{"-engine", "steam"}, "want auto, iouring or portable"},
		{[]string{"-drain", "-1s"}, "want 0 or more"},
		{[]string{"-drain", "soon"}, "soon"},
	} {
		r := runCommand(t, command(nil, c.args...))
		assert.Equal(t, 2, r.status, "%v", c.args)
		assert.Contains(t, r.err, c.text)
		assert.Contains(t, r.err, "-help")
		assert.Empty(t, r.out)
	}
}

func TestHelp(t *testing.T) {
	r := runCommand(t, command(nil, "-help"))
	assert.Zero(t, r.status)
	assert.Empty(t, r.err)
	for _, flag := range []string{"-listen", "-to", "-engine", "-pinned", "-stats", "-progress", "-drain"} {
		assert.Contains(t, r.out, flag)
	}
}

// What is not usage is status 1, and says what is wrong.
func TestUnusableAddresses(t *testing.T) {
	for _, c := range []struct{ listen, to, text string }{
		{"127.0.0.1:99999", "127.0.0.1:1", "-listen: "},
		{"192.0.2.1:0", "127.0.0.1:1", "cannot assign requested address"},
		{"127.0.0.1:0", "no-port", "-to: "},
	} {
		r := runCommand(t, command(nil, "-listen", c.listen, "-to", c.to))
		assert.Equal(t, 1, r.status)
		assert.Contains(t, r.err, c.text)
	}
}

func TestStatsAndProgress(t *testing.T) {
	eachMode(t, func(t *testing.T, flags ...string) {
		c := command(flags, "-stats", "-progress", "/proc/version", "/proc/version")
		r := runCommand(t, c)
		assert.Zero(t, r.status)
		assert.Contains(t, r.err, "2 of 2 files")
		assert.Contains(t, r.err, "files        2, ")
		assert.Contains(t, r.err, "engine       ")

		c = command(flags, "-progress", big(), big())
		sinkDiscard := new(countingWriter)
		c.Stdout = sinkDiscard
		r = runCommand(t, c)
		assert.Zero(t, r.status)
		last := r.err[strings.LastIndex(r.err, "\r"):]
		assert.Contains(t, last, "100% of ")
		assert.Contains(t, last, "2 of 2 files")
	})
}

type countingWriter struct{ n int64 }

func (w *countingWriter) Write(p []byte) (int, error) {
	w.n += int64(len(p))
	return len(p), nil
}
