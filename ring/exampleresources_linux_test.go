package ring_test

import (
	"context"
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
