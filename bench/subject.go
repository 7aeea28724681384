package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/readiness"
	"github.com/sluicego/sluice/ring"
)

// subjectVariable makes this program do what c/pending.c does, with the same
// arguments behind the name of the side: "SIDE KIND N DESCRIPTORS [EVENTS]".
const subjectVariable = "SLUICE_BENCH_SUBJECT"

// active is how many of the pending requests complete again and again.
const active = 10

// subject is that process: n requests pending on descriptors pairs, of which the
// first active have a pair each.
type subject struct {
	side, kind     string
	n, descriptors int
	events         int
	pairs          [][2]int // what is waited for, and what ends the wait
	ring           *ring.Ring
	done           chan error // of the goroutines that read
	sent           []byte
	dst            []ops.Completion
}

func runSubject(order string) error {
	s := subject{sent: []byte{1, 0, 0, 0, 0, 0, 0, 0}, done: make(chan error, active)}
	fields, _ := fmt.Sscan(order, &s.side, &s.kind, &s.n, &s.descriptors, &s.events)
	if fields < 4 {
		return fmt.Errorf("%q: too few fields", order)
	}
	if err := s.prepare(); err != nil {
		return err
	}
	measured := fields == 4
	in := bufio.NewScanner(os.Stdin)
	step := func(what string) bool {
		debug.FreeOSMemory()
		fmt.Println(what)
		return in.Scan()
	}
	if measured && !step("ready") {
		return nil
	}
	for i := range s.n {
		if err := s.request(i); err != nil {
			return err
		}
	}
	if s.ring != nil {
		if err := s.ring.Flush(); err != nil {
			return err
		}
	}
	if measured {
		step("armed")
		return nil
	}
	count := (s.events + active - 1) / active * active
	if err := s.repeat(count/10 + active); err != nil { // the first ones are not counted
		return err
	}
	ns, err := cpuClock.perOp(count, func() error { return s.repeat(count) })
	if err != nil {
		return err
	}
	fmt.Println(ns[0])
	return nil
}

func (s *subject) prepare() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	for range s.descriptors {
		var pair [2]int
		var err error
		if s.kind == "receive" {
			pair, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		} else {
			pair[0], err = unix.Eventfd(0, unix.EFD_CLOEXEC)
			pair[1] = pair[0]
		}
		if err != nil {
			return err
		}
		s.pairs = append(s.pairs, pair)
	}
	if s.side == "goroutine" {
		return nil
	}
	var err error
	s.ring, err = ring.New(ring.Config{Pinned: s.side == "pinned", Capacity: max(s.n, active)})
	s.dst = make([]ops.Completion, active)
	return err
}

// place returns which pair the i-th request waits for.
func (s *subject) place(i int) int {
	if i < active || s.descriptors <= active {
		return i % s.descriptors
	}
	return active + (i-active)%(s.descriptors-active)
}

// request makes the i-th request, also when it was completed. All receive into the
// same byte, so that memory is without buffers.
func (s *subject) request(i int) error {
	fd := s.pairs[s.place(i)][0]
	if s.ring == nil {
		return s.read(i, fd)
	}
	req := readiness.Once(fd, readiness.In)
	if s.kind == "receive" {
		req = ops.Recv(fd, s.sent[:1], 0)
	}
	if i < active {
		req.Tag = &s.pairs[i]
	}
	_, err := s.ring.Queue(req)
	if errors.Is(err, ops.ErrFull) {
		return fmt.Errorf("request %d: %w", i, err)
	}
	return err
}

// read has a goroutine read again and again.
func (s *subject) read(i, fd int) error {
	f := os.NewFile(uintptr(fd), "socket")
	c, err := net.FileConn(f)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	go func() {
		var b [1]byte
		for {
			_, err := c.Read(b[:])
			s.done <- err
			if err != nil {
				return
			}
		}
	}()
	return nil
}

// repeat lets the active requests complete, n in all, and makes them again.
func (s *subject) repeat(n int) error {
	size := 8
	if s.kind == "receive" {
		size = 1
	}
	for done := 0; done < n; done += active {
		for i := range active {
			if _, err := unix.Write(s.pairs[i][1], s.sent[:size]); err != nil {
				return err
			}
		}
		for got := 0; got < active; {
			k, err := s.completed(active - got)
			if err != nil {
				return err
			}
			got += k
		}
	}
	return nil
}

// completed waits for want of them and returns how many there were.
func (s *subject) completed(want int) (int, error) {
	if s.ring == nil {
		return 1, <-s.done
	}
	k, err := s.ring.Wait(s.dst, want, ring.Forever)
	if err != nil {
		return 0, err
	}
	for i := range s.dst[:k] {
		c := &s.dst[i]
		pair, ok := c.Tag.(*[2]int)
		if !ok || c.N() == 0 {
			return 0, fmt.Errorf("an idle request ended: %w", c.Err())
		}
		if s.kind == "poll" {
			var count [8]byte
			if _, err := unix.Read(pair[0], count[:]); err != nil {
				return 0, err
			}
		}
		req := readiness.Once(pair[0], readiness.In)
		if s.kind == "receive" {
			req = ops.Recv(pair[0], s.sent[:1], 0)
		}
		if _, err := s.ring.Queue(req.WithTag(pair)); err != nil {
			return 0, err
		}
	}
	return k, nil
}
