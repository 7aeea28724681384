//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// The test binary plays other parts when this environment variable names one:
// those of processes that are to be killed.
const helperRole = "CAT_AND_PROXY_HELPER"

const (
	roleStall = "stall" // downloads /0 from the address, and stops in the middle
	roleServe = "serve" // sends without end to everybody who connects to the address
)

// startHelper starts a helper and waits until it is where the role says.
func startHelper(t *testing.T, role, addr string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(self, addr)
	c.Env = append(os.Environ(), helperRole+"="+role)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	return c
}

func helper(role string, args []string) int {
	var err error
	switch role {
	case roleStall:
		err = stall(args[0])
	case roleServe:
		err = serve(args[0])
	}
	fmt.Fprintln(os.Stderr, role, err)
	return 1
}

func stall(addr string) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(c, "GET /0 HTTP/1.0\r\n\r\n"); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, make([]byte, 1<<20)); err != nil {
		return err
	}
	fmt.Println("ready")
	select {}
}

func serve(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			b := make([]byte, 1<<16)
			for {
				if _, err := c.Write(b); err != nil {
					return
				}
			}
		}()
	}
}
