package sluice_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The program in the README runs, and prints what it promises.
func TestReadmeProgram(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, block, "README.md has no program between ```go and ```")
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, block[1], 0o600))

	run := exec.Command("go", "run", file)
	run.Stderr = os.Stderr
	out, err := run.Output() // its standard input is /dev/null, and so readable
	require.NoError(t, err, "the program printed: %s", out)
	for _, tag := range []string{"open", "read", "stdin", "timer"} {
		assert.Contains(t, string(out), tag+" -> ")
	}
	assert.NotContains(t, string(out), "%!")
	t.Logf("%s", out)
}
