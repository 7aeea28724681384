//go:build linux

package main

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// files is an HTTP server of n bytes under each of /0, /1, ...: the same noise,
// begun at another place, so that no two answers can be taken for each other.
type files struct {
	*httptest.Server
	data  []byte
	begun atomic.Int32 // answers of which something was sent
}

func serveFiles(t *testing.T, n int) *files {
	f := &files{data: noise(n, 6)}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, _ := strconv.Atoi(r.URL.Path[1:])
		w.Header().Set("Content-Length", strconv.Itoa(n))
		_, _ = w.Write(f.data[at : at+1])
		f.begun.Add(1)
		_, _ = w.Write(f.data[at+1:])
		_, _ = w.Write(f.data[:at])
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *files) addr() string { return f.Listener.Addr().String() }

func (f *files) sum(at int) uint32 {
	return crc32.Update(crc32.Checksum(f.data[at:], castagnoli), castagnoli, f.data[:at])
}

// download gets file number at through the proxy, on a connection of its own.
func (f *files) download(proxy string, at int) error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(fmt.Sprintf("http://%s/%d", proxy, at))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	hash := crc32.New(castagnoli)
	n, err := io.CopyBuffer(hash, resp.Body, make([]byte, 1<<18))
	if err != nil {
		return fmt.Errorf("after %d bytes: %w", n, err)
	}
	if hash.Sum32() != f.sum(at) {
		return fmt.Errorf("%d bytes differ from what was sent", n)
	}
	return nil
}

// downloads returns how many there are at once.
func downloads() int { return longOr(200, 10) }

// downloadSize returns how many bytes each has.
func downloadSize() int { return longOr(16<<20, 4<<20) }

func TestDownloads(t *testing.T) {
	f := serveFiles(t, downloadSize())
	eachMode(t, func(t *testing.T, flags ...string) {
		p := startProxy(t, flags, f.addr())
		before := p.look(t)
		assert.NoError(t, parallel(downloads(), func(i int) error { return f.download(p.addr, i) }))
		p.settles(t, before)
		assert.Equal(t, 0, p.stop(t, syscall.SIGTERM))
	})
}

// A SIGTERM in the middle of downloads loses none, and lets nobody new in.
func TestDrain(t *testing.T) {
	f := serveFiles(t, downloadSize())
	eachMode(t, func(t *testing.T, flags ...string) {
		f.begun.Store(0)
		p := startProxy(t, flags, f.addr(), "-drain", "10m")
		n := downloads()
		done := make(chan error, 1)
		go func() { done <- parallel(n, func(i int) error { return f.download(p.addr, i) }) }()
		assert.Eventually(t, func() bool { return int(f.begun.Load()) == n }, patience, time.Millisecond)
		p.signal(t, syscall.SIGTERM)
		assert.NoError(t, <-done)
		assert.Equal(t, 0, p.wait(t))
		_, err := net.Dial("tcp", p.addr)
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

func TestDrainEnds(t *testing.T) {
	target := listen(t, func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	eachMode(t, func(t *testing.T, flags ...string) {
		p := startProxy(t, flags, target, "-drain", "200ms")
		c := p.dial(t)
		echo(t, c, "before")
		p.signal(t, syscall.SIGTERM)
		echo(t, c, "while it drains")
		_, err := c.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		assert.Equal(t, 1, p.wait(t))
		assert.Contains(t, p.stderr.String(), "1 connections had not ended after 200ms")
	})
}

func TestSecondSignal(t *testing.T) {
	target := listen(t, func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	eachMode(t, func(t *testing.T, flags ...string) {
		p := startProxy(t, flags, target, "-drain", "1h")
		c := p.dial(t)
		echo(t, c, "before")
		p.signal(t, syscall.SIGTERM)
		assert.Eventually(t, func() bool { return quick(p.addr) != nil }, patience, time.Millisecond)
		echo(t, c, "while it drains")
		assert.Equal(t, 128+int(syscall.SIGINT), p.stop(t, syscall.SIGINT))
	})
}

// Each side may end what it sends, and go on reading.
func TestHalfClose(t *testing.T) {
	up, down := noise(2<<20+1, 7), noise(1<<20+1, 8)
	clientFirst := listen(t, func(c *net.TCPConn) {
		if got, err := io.ReadAll(c); err == nil && bytes.Equal(got, up) {
			_, _ = c.Write(down)
		}
	})
	serverFirst := listen(t, func(c *net.TCPConn) {
		_, _ = c.Write(down)
		_ = c.CloseWrite()
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, up) {
			_ = c.SetLinger(0) // a reset
		}
	})
	eachMode(t, func(t *testing.T, flags ...string) {
		p := startProxy(t, flags, clientFirst)
		before := p.look(t)
		assert.NoError(t, parallel(longOr(20, 4), func(int) error {
			c := p.dial(t)
			defer c.Close()
			if _, err := c.Write(up); err != nil {
				return err
			}
			if err := c.CloseWrite(); err != nil {
				return err
			}
			return expect(c, down)
		}))
		p.settles(t, before)

		p = startProxy(t, flags, serverFirst)
		before = p.look(t)
		assert.NoError(t, parallel(longOr(20, 4), func(int) error {
			c := p.dial(t)
			defer c.Close()
			if err := expect(c, down); err != nil {
				return err
			}
			if _, err := c.Write(up); err != nil {
				return err
			}
			return c.CloseWrite()
		}))
		p.settles(t, before)
	})
}

// Files and connections at the same time, the one no obstacle to the other.
func TestBoth(t *testing.T) {
	f := serveFiles(t, 4<<20)
	eachMode(t, func(t *testing.T, flags ...string) {
		p := newProxyCommand(flags, f.addr(), big())
		out, err := p.cmd.StdoutPipe()
		require.NoError(t, err)
		p.start(t)
		// Nobody reads the file yet: the proxy must work.
		assert.NoError(t, parallel(longOr(20, 4), func(i int) error { return f.download(p.addr, i) }))
		done := make(chan error, 1)
		go func() { done <- sameAs(io.LimitReader(out, 32<<20), big()) }()
		assert.NoError(t, parallel(longOr(20, 4), func(i int) error { return f.download(p.addr, i) }))
		assert.ErrorContains(t, <-done, "bytes are missing after 33554432")
		assert.NoError(t, f.download(p.addr, 1))
		p.signal(t, syscall.SIGTERM)
		assert.Equal(t, 128+int(syscall.SIGTERM), p.wait(t)) // the file was cut short
	})
}

// A client that reads slowly neither holds up others nor makes memory grow.
func TestSlowReader(t *testing.T) {
	if testing.Short() {
		t.Skip("moves too much")
	}
	endless := listen(t, func(c *net.TCPConn) {
		b := make([]byte, 1<<20)
		for {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	})
	eachMode(t, func(t *testing.T, flags ...string) {
		p := startProxy(t, flags, endless)
		before := p.look(t)
		var slow []*net.TCPConn
		for range 20 {
			slow = append(slow, p.dial(t))
		}
		fast := p.dial(t)
		_, err := io.CopyN(io.Discard, fast, 1<<30)
		assert.NoError(t, err)
		for _, c := range slow {
			_, err := io.CopyN(io.Discard, c, 1<<16)
			assert.NoError(t, err)
			c.Close()
		}
		fast.Close()
		after := p.look(t)
		assert.Less(t, after.rss-before.rss, 16<<20)
		p.settles(t, before)
	})
}
