package main

import (
	"errors"
	"fmt"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// portableServer is a side that is missing where the engine is.
func portableServer(port int) (*exec.Cmd, error) {
	r, err := ring.New(ring.Config{Engine: ring.Portable})
	if errors.Is(err, ops.ErrNotSupported) {
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	}
	if err != nil {
		return nil, err
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	return goServer("portable")(port)
}

func echoPortable(port int) error { return echoPlain(port, ring.Config{Engine: ring.Portable}) }

// echoPlain is an echo server of plain requests, which every engine has: one accept
// after the other, and receives into a buffer for each connection.
func echoPlain(port int, cfg ring.Config) error {
	r, err := ring.New(cfg)
	if err != nil {
		return err
	}
	l, err := listenFile(port)
	if err != nil {
		return err
	}
	accept := ops.Accept(int(l.Fd()), unix.SOCK_NONBLOCK).Keeping(l)
	if _, err := r.Submit(accept); err != nil {
		return err
	}
	dst := make([]ops.Completion, 256)
	for {
		n, err := r.Wait(dst, 1, ring.Forever)
		if err != nil {
			return err
		}
		for i := range dst[:n] {
			if err := plainStep(r, accept, &dst[i]); err != nil {
				return err
			}
		}
	}
}

// plainStep makes the request that follows a completion.
func plainStep(r *ring.Ring, accept ops.Request, c *ops.Completion) error {
	fd, buf := int(c.Target), c.Buf[:cap(c.Buf)]
	next := ops.Recv(fd, buf, 0)
	switch {
	case c.Code == ops.CodeClose:
		return nil
	case c.Code == ops.CodeAccept:
		if !c.OK() {
			return c.Err()
		}
		if _, err := r.Queue(accept); err != nil {
			return err
		}
		next = ops.Recv(c.FD(), make([]byte, echoBufferSize), 0)
	case c.N() == 0:
		next = ops.Close(fd)
	case c.Code == ops.CodeRecv:
		next = ops.Send(fd, c.Bytes(), unix.MSG_WAITALL)
	}
	_, err := r.Queue(next)
	return err
}
