package ring_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// must ends an example that cannot go on.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Thousands of small files, several at a time, each in one go.
func ExampleRing_ReadFiles() {
	dir, err := os.MkdirTemp("", "sluice")
	must(err)
	defer os.RemoveAll(dir)
	var paths []string
	for i := range 3 {
		paths = append(paths, filepath.Join(dir, fmt.Sprint(i)))
		must(os.WriteFile(paths[i], []byte(fmt.Sprintf("file %d", i)), 0o600))
	}
	paths = append(paths, filepath.Join(dir, "missing"))

	r, err := ring.New(ring.Config{})
	must(err)
	defer r.Close()
	var found []string
	for file, err := range r.ReadFiles(context.Background(), slices.Values(paths), ring.ReadFilesConfig{}) {
		if err != nil {
			found = append(found, filepath.Base(file.Path)+" is not there")
			continue
		}
		found = append(found, string(file.Data)) // good until the loop goes on
	}
	sort.Strings(found)
	for _, f := range found {
		fmt.Println(f)
	}
	// Output:
	// file 0
	// file 1
	// file 2
	// missing is not there
}

// Requests that wait for data need no buffer of their own: the kernel picks one
// when there is something to put into it.
func ExampleRing_NewBufferRing() {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(err)
	r, err := ring.New(ring.Config{})
	must(err)
	defer r.Close()
	buffers, err := r.NewBufferRing(ring.BufferConfig{Buffers: 64, Size: 4096})
	must(err)
	_, err = r.Submit(ops.RecvMulti(fds[0], buffers, 0))
	must(err)
	for _, text := range []string{"one", "two"} {
		_, err = r.Do(context.Background(), ops.Send(fds[1], []byte(text), 0))
		must(err)
		var one [1]ops.Completion
		_, err = r.Wait(one[:], 1, ring.Forever)
		must(err)
		fmt.Printf("%s, more to come: %v\n", one[0].Bytes(), one[0].More)
		one[0].Release()
	}
	must(unix.Close(fds[0]))
	must(unix.Close(fds[1]))
	// Output:
	// one, more to come: true
	// two, more to come: true
}

// Registered buffers and direct descriptors save the kernel work in each transfer.
func ExampleRing_NewBufferPool() {
	r, err := ring.New(ring.Config{})
	must(err)
	defer r.Close()
	pool, err := r.NewBufferPool(ring.PoolConfig{})
	must(err)
	c, err := r.Do(context.Background(), ops.Open("/dev/zero", unix.O_RDONLY, 0).IntoDirect())
	must(err)
	file := c.Direct()
	buf, err := pool.Get(1000)
	must(err)
	c, err = r.Do(context.Background(), ops.ReadFixed(file.FD(), buf, 0))
	must(err)
	fmt.Println(file, len(c.Bytes()))
	buf.Release()
	_, err = r.Do(context.Background(), ops.Close(file.FD()))
	must(err)
	// Output: direct 0 1000
}

// Data is written from, and read into, memory that the kernel knows.
func ExampleBufferPool_Get() {
	file, err := os.CreateTemp("", "sluice")
	must(err)
	defer os.Remove(file.Name())
	defer file.Close()
	r, err := ring.New(ring.Config{})
	must(err)
	defer r.Close()
	pool, err := r.NewBufferPool(ring.PoolConfig{})
	must(err)
	buf, err := pool.Get(100)
	must(err)
	defer buf.Release()
	copy(buf.Bytes(), "headbody")
	ctx, fd := context.Background(), int(file.Fd())
	head, body := buf.Slice(0, 4), buf.Slice(4, 8)
	_, err = r.Do(ctx, ops.WriteFixed(fd, head, 0))
	must(err)
	_, err = r.Do(ctx, ops.WritevFixed(fd, []ops.Fixed{body, head}, 4))
	must(err)
	c, err := r.Do(ctx, ops.ReadvFixed(fd, []ops.Fixed{buf.Slice(20, 22), buf.Slice(40, 100)}, 0))
	must(err)
	fmt.Printf("%d bytes: %s, %s\n", c.N(), buf.Bytes()[20:22], buf.Bytes()[40:50])
	// Output: 12 bytes: he, adbodyhead
}

// Sends whose data is not copied complete when the kernel has let go of it.
func ExampleRing_Submit_zeroCopy() {
	r, err := ring.New(ring.Config{Engine: ring.IOURing}) // the portable engine copies
	must(err)
	defer r.Close()
	pool, err := r.NewBufferPool(ring.PoolConfig{})
	must(err)
	buf, err := pool.Get(5)
	must(err)
	copy(buf.Bytes(), "hello")
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(err)
	for _, req := range []ops.Request{
		ops.SendZC(fds[0], []byte("hello"), 0),
		ops.SendmsgZC(fds[0], ops.NewMsg([]byte("hel"), []byte("lo")), 0),
		ops.SendZCFixed(fds[0], buf, 0),
	} {
		_, err := r.Do(context.Background(), req)
		fmt.Println(errors.Is(err, unix.EOPNOTSUPP)) // UNIX sockets always copy: use Send
	}
	buf.Release()
	must(unix.Close(fds[0]))
	must(unix.Close(fds[1]))
	// Output:
	// true
	// true
	// true
}

// One request for the kernel, from opening to closing.
func ExampleRing_Do_readFile() {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("sluice-%d", os.Getpid()))
	must(os.WriteFile(path, []byte("content"), 0o600))
	defer os.Remove(path)
	r, err := ring.New(ring.Config{})
	must(err)
	defer r.Close()
	var again ops.FilePath // saves allocations where there are many
	must(again.Set(path))
	for _, req := range []ops.Request{
		ops.ReadFile(path, make([]byte, 100)),
		ops.ReadFileAt(unix.AT_FDCWD, path, make([]byte, 100)),
		ops.ReadFilePath(unix.AT_FDCWD, &again, make([]byte, 4)),
	} {
		c, err := r.Do(context.Background(), req)
		must(err)
		fmt.Printf("%s\n", c.Bytes())
	}
	// Output:
	// content
	// content
	// cont
}

// A descriptor that one Ring has opened is used by another.
func ExampleRing_SendDirect() {
	from, err := ring.New(ring.Config{})
	must(err)
	defer from.Close()
	to, err := ring.New(ring.Config{})
	must(err)
	defer to.Close()
	ctx := context.Background()
	c, err := from.Do(ctx, ops.Register(0))
	must(err)
	sent, err := from.SendDirect(ctx, c.Direct(), to)
	must(err)
	_, err = to.Post(sent, ops.Normal) // tells to's loop
	must(err)
	var one [1]ops.Completion
	_, err = to.Wait(one[:], 1, ring.Forever)
	must(err)
	fmt.Println(one[0].Tag)
	// Output: direct 0
}

// Every kind of descriptor can be read into buffers of a group.
func ExampleBufferRing() {
	r, err := ring.New(ring.Config{})
	must(err)
	defer r.Close()
	buffers, err := r.NewBufferRing(ring.BufferConfig{})
	must(err)
	var pipe [2]int
	must(unix.Pipe2(pipe[:], unix.O_CLOEXEC))
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(err)
	for _, source := range []struct {
		req  ops.Request
		from int
		text string
	}{
		{ops.ReadMulti(pipe[0], buffers), pipe[1], "from a pipe"},
		{ops.ReadSelect(pipe[0], buffers, ops.Current), pipe[1], "from a pipe"},
		{ops.RecvSelect(fds[0], buffers, 0), fds[1], "from a socket"},
		{ops.RecvmsgMulti(fds[0], buffers, ops.MessageRoom{Addr: true}, 0), fds[1], "from a socket"},
	} {
		id, err := r.Submit(source.req)
		must(err)
		_, err = unix.Write(source.from, []byte(source.text))
		must(err)
		var one [1]ops.Completion
		_, err = r.Wait(one[:], 1, ring.Forever)
		must(err)
		if m, err := one[0].Message(); err == nil {
			fmt.Printf("message %s\n", m.Data)
		} else {
			fmt.Printf("%s\n", one[0].Bytes())
		}
		one[0].Release()
		if one[0].More {
			must(r.Cancel(id))
			_, err = r.Wait(one[:], 1, ring.Forever)
			must(err)
		}
	}
	for _, fd := range append(fds[:], pipe[:]...) {
		must(unix.Close(fd))
	}
	// Output:
	// from a pipe
	// from a pipe
	// from a socket
	// message from a socket
}

// A timeout over a whole chain.
func ExampleRing_SubmitAll_within() {
	r, err := ring.New(ring.Config{})
	must(err)
	defer r.Close()
	const hour, moment = 3600 * 1e9, 1e6
	group := ops.Chain(ops.Nop().WithTag("first"), ops.Timer(hour).WithTag("second"), ops.Nop().WithTag("third"))
	must(r.SubmitAll(ops.Within(moment, group), nil))
	var dst [3]ops.Completion
	_, err = r.Wait(dst[:], 3, ring.Forever)
	must(err)
	for i := range dst {
		fmt.Println(dst[i].Tag, dst[i].OK())
	}
	// Output:
	// first true
	// second false
	// third false
}

// A barrier: the file is closed when all writes to it have ended, in whatever order
// they do.
func ExampleRing_Submit_drain() {
	path := filepath.Join(os.TempDir(), "sluice-drain")
	defer os.Remove(path)
	r, err := ring.New(ring.Config{})
	must(err)
	defer r.Close()
	file, err := r.Do(context.Background(), ops.Open(path, unix.O_CREAT|unix.O_TRUNC|unix.O_RDWR, 0o600))
	must(err)
	for i, word := range []string{"one ", "two ", "six."} {
		_, err = r.Queue(ops.Write(file.FD(), []byte(word), int64(4*i)))
		must(err)
	}
	_, err = r.Do(context.Background(), ops.Close(file.FD()).WithDrain())
	must(err)
	text, err := os.ReadFile(path)
	must(err)
	fmt.Printf("%s\n", text)
	// Output: one two six.
}

// What has come in a burst fills several buffers at once, and is released at once.
func ExampleRing_NewBufferRing_bundle() {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(err)
	r, err := ring.New(ring.Config{})
	must(err)
	defer r.Close()
	buffers, err := r.NewBufferRing(ring.BufferConfig{Buffers: 64, Size: 4})
	must(err)
	_, err = unix.Write(fds[1], []byte("one two six"))
	must(err)
	must(unix.Close(fds[1]))
	first, err := r.Do(context.Background(), ops.RecvBundle(fds[0], buffers, 0))
	must(err)
	fmt.Println("the first of them:", len(first.Bytes()) >= 4)
	first.Release()
	_, err = r.Submit(ops.RecvBundleMulti(fds[0], buffers, 0))
	must(err)
	n := first.N()
	for c := range r.Completions(context.Background()) {
		for piece := range c.Pieces() {
			n += len(piece)
		}
		c.Release()
		if !c.More {
			break
		}
	}
	fmt.Println("all of them:", n)
	must(unix.Close(fds[0]))
	// Output:
	// the first of them: true
	// all of them: 11
}

// A chain on one Ring tells a loop on another that it is done, and hands the file over.
func ExampleRing_NewInbox() {
	ctx := context.Background()
	worker, err := ring.New(ring.Config{})
	must(err)
	defer worker.Close()
	server, err := ring.New(ring.Config{DirectFiles: 16})
	must(err)
	defer server.Close()
	inbox, err := server.NewInbox("written", ops.Normal)
	must(err)

	path := filepath.Join(os.TempDir(), "sluice-inbox")
	defer os.Remove(path)
	file, err := worker.Do(ctx, ops.Open(path, unix.O_CREAT|unix.O_RDWR, 0o600).IntoDirect())
	must(err)
	d := file.Direct()
	must(worker.SubmitAll(ops.Chain(
		ops.Write(d.FD(), []byte("hello"), 0),
		ops.PostDirectTo(inbox, d),
		ops.PostTo(inbox, 5),
		ops.Close(d.FD()),
	), nil))
	for c := range server.Completions(ctx) {
		if d := c.Direct(); d.Valid() {
			file, err := server.Do(ctx, ops.Read(d.FD(), make([]byte, 10), 0))
			must(err)
			fmt.Printf("%s: %s\n", c.Tag, file.Bytes())
			continue
		}
		fmt.Printf("%s: %d bytes\n", c.Tag, c.N())
		break
	}
	// Output:
	// written: hello
	// written: 5 bytes
}
