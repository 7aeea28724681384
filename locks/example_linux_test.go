package locks_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/locks"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// A lock that somebody else has is waited for, but not for ever.
func Example() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	dir, _ := os.MkdirTemp("", "locks")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "file")
	ctx := context.Background()

	a, _ := os.Create(path)
	defer a.Close()
	if _, err := r.Do(ctx, locks.Flock(int(a.Fd()), locks.Exclusive)); err != nil {
		fmt.Println(err)
		return
	}
	b, _ := os.Open(path)
	defer b.Close()
	_, err = r.Do(ctx, locks.Flock(int(b.Fd()), locks.Shared).WithTimeout(10*time.Millisecond))
	fmt.Println("held by another:", errors.Is(err, ops.ErrTimeout))

	r.Submit(locks.Flock(int(b.Fd()), locks.Shared).WithTag("b"))
	r.Do(ctx, locks.Flock(int(a.Fd()), locks.Unlock))
	var c [1]ops.Completion
	r.Wait(c[:], 1, ring.Forever)
	fmt.Println(c[0].Tag, "has the lock:", c[0].Err() == nil)
	// Output:
	// held by another: true
	// b has the lock: true
}

// With locks a file for the time of a function.
func ExampleWith() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	dir, _ := os.MkdirTemp("", "locks")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "state")

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = locks.With(ctx, r, path, os.O_RDWR|os.O_CREATE, 0o644, locks.Exclusive, func(f *os.File) error {
		_, err := f.WriteString("one at a time")
		return err
	})
	text, _ := os.ReadFile(path)
	fmt.Println(string(text), err)
	// Output: one at a time <nil>
}

// A Mutex in memory that other processes map as well.
func ExampleMutex() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	mem, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer unix.Munmap(mem)
	m, err := locks.MutexAt(mem)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := r.Do(context.Background(), m.Lock().WithTimeout(time.Second))
	fmt.Println("locked:", err == nil, "former owner died:", locks.OwnerDied(&c))
	fmt.Println(m.Unlock())
	// Output:
	// locked: true former owner died: false
	// <nil>
}

// A file is locked, read, unlocked and closed by one chain. It is unlocked even when
// it could not be read.
func ExampleFlock_chain() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	dir, _ := os.MkdirTemp("", "locks")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "file")
	_ = os.WriteFile(path, []byte("guarded"), 0o600)
	fd, _ := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)

	buf := make([]byte, 7)
	group := ops.Chain(
		locks.Flock(fd, locks.Shared), ops.Read(fd, buf, 0), locks.Flock(fd, locks.Unlock), ops.Close(fd),
	)
	group[1].Link = ops.Hard
	if err := r.SubmitAll(group, nil); err != nil {
		fmt.Println(err)
		return
	}
	var c [4]ops.Completion
	for n := 0; n < len(c); {
		k, _ := r.Wait(c[n:], 1, ring.Forever)
		n += k
	}
	for i := range c {
		fmt.Println(c[i].Code, c[i].Err())
	}
	fmt.Printf("%s\n", buf)
	// Output:
	// flock <nil>
	// read <nil>
	// flock <nil>
	// close <nil>
	// guarded
}
