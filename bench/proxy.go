package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

var proxyMetrics = []metric{{"cpu", "cpu-s/GB"}, {"rate", "B/s"}}

// proxyCases has whole programs pass a stream on from this process to this
// process, which compares all of it with what it sent.
func proxyCases(o options) ([]comparison, func(), error) {
	dir, err := os.MkdirTemp("", "bench-proxy")
	if err != nil {
		return nil, nil, err
	}
	cleanUp := func() { os.RemoveAll(dir) }
	ours := filepath.Join(dir, "cat-and-proxy")
	build := exec.Command("go", "build", "-o", ours, "./examples/cat-and-proxy")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		cleanUp()
		return nil, nil, fmt.Errorf("build cat-and-proxy: %w\n%s", err, out)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		cleanUp()
		return nil, nil, err
	}
	target := l.Addr().String()
	_, port, _ := strings.Cut(target, ":")
	sides := []struct {
		name    string
		command func(port int) (*exec.Cmd, error)
	}{
		{"pinned", func(at int) (*exec.Cmd, error) {
			return exec.Command(ours, "-pinned", "-listen", loopback(at), "-to", target), nil
		}},
		{"c-splice", func(at int) (*exec.Cmd, error) { return cProgram("splice", strconv.Itoa(at), port) }},
		{"io.Copy", goServer("io.Copy", target)},
		{"nginx", func(at int) (*exec.Cmd, error) { return nginxProxy(dir, at, target) }},
		{"haproxy", func(at int) (*exec.Cmd, error) { return haproxyProxy(dir, at, target) }},
	}
	var all []comparison
	for _, conns := range []int{1, 16} {
		c := comparison{name: strconv.Itoa(conns), metrics: proxyMetrics}
		for _, s := range sides {
			c.sides = append(c.sides, side{s.name, func() ([]float64, error) {
				return relay(s.command, l.(*net.TCPListener), conns, o.scale(2<<30))
			}})
		}
		all = append(all, c)
	}
	return all, func() { l.Close(); cleanUp() }, nil
}

// relay sends size bytes in all through a proxy on conns connections.
func relay(command func(port int) (*exec.Cmd, error), l *net.TCPListener, conns, size int) (figures []float64, err error) {
	s, err := startServer(command, anywhere.server)
	if err != nil {
		return nil, err
	}
	defer func() { err = s.stop(err) }()
	each := max(size/conns, 1)
	if err := streams(s, l, conns, 1<<16); err != nil { // what a program does at first is not counted
		return nil, err
	}
	begin, before := time.Now(), s.cpu()
	if err := streams(s, l, conns, each); err != nil {
		return nil, err
	}
	took, used := time.Since(begin), s.cpu()-before
	total := float64(each * conns)
	return []float64{used.Seconds() / (total / 1e9), total / took.Seconds()}, nil
}

// streams sends each bytes on each of conns connections and waits until they have
// arrived.
func streams(s *server, l *net.TCPListener, conns, each int) error {
	done := make(chan error, 2*conns)
	for range conns {
		go func() { done <- source(s.port, each) }()
		go func() { done <- sink(l, each) }()
	}
	var err error
	for range 2 * conns {
		err = errors.Join(err, <-done)
	}
	return err
}

const (
	period = 1<<18 - 5 // of what is sent: no power of two, so that a shift shows
	chunk  = 1 << 18
)

// pattern holds any chunk of the stream.
var pattern = func() []byte {
	p := make([]byte, period+chunk)
	for i := range p {
		v := uint32(i%period) * 2654435761
		p[i] = byte(v >> 24)
	}
	return p
}()

func source(port, n int) error {
	c, err := dialPatiently(port)
	if err != nil {
		return err
	}
	defer c.Close()
	for at := 0; at < n; {
		k, err := c.Write(pattern[at%period:][:min(chunk, n-at)])
		if err != nil {
			return fmt.Errorf("source: %w", err)
		}
		at += k
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil {
		return fmt.Errorf("source: end: %w", err)
	}
	return nil
}

// sink takes one connection and compares what comes.
func sink(l *net.TCPListener, n int) error {
	if err := l.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, chunk)
	for at := 0; ; {
		k, err := c.Read(buf)
		if string(buf[:k]) != string(pattern[at%period:][:k]) {
			return fmt.Errorf("sink: other bytes than were sent, behind %d of %d", at, n)
		}
		at += k
		if err == io.EOF && at == n {
			return nil
		}
		if err != nil {
			return fmt.Errorf("sink: %d of %d bytes: %w", at, n, err)
		}
	}
}

// dialPatiently connects to a server that is starting.
func dialPatiently(port int) (net.Conn, error) {
	for begin := time.Now(); ; {
		c, err := net.Dial("tcp4", loopback(port))
		if err == nil || !errors.Is(err, unix.ECONNREFUSED) || time.Since(begin) > 5*time.Second {
			return c, err
		}
		time.Sleep(time.Millisecond)
	}
}
