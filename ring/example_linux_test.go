package ring_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// Requests go in through Submit, completions come out of Wait.
func Example() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()

	file, err := os.Open("testdata/greeting")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	read := ops.Read(int(file.Fd()), make([]byte, 100), 0).Keeping(file).WithTag("greeting")
	if _, err := r.Submit(read); err != nil {
		log.Fatal(err)
	}
	if _, err := r.Submit(ops.Timer(50 * time.Millisecond).WithTag("timer")); err != nil {
		log.Fatal(err)
	}

	var completions [8]ops.Completion
	for pending := 2; pending > 0; {
		n, err := r.Wait(completions[:], 1, ring.Forever)
		if err != nil {
			log.Fatal(err)
		}
		for _, c := range completions[:n] {
			if err := c.Err(); err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%v: %q\n", c.Tag, c.Bytes())
		}
		pending -= n
	}
	// Output:
	// greeting: "hello\n"
	// timer: ""
}

// Do is Submit and Wait for one request by one goroutine. Any number may call it.
func ExampleRing_Do() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()

	ctx := context.Background()
	opened, err := r.Do(ctx, ops.Open("testdata/greeting", unix.O_RDONLY, 0))
	if err != nil {
		log.Fatal(err)
	}
	read, err := r.Do(ctx, ops.Read(opened.FD(), make([]byte, 100), 0))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", read.Bytes())
	if _, err := r.Do(ctx, ops.Close(opened.FD())); err != nil {
		log.Fatal(err)
	}

	_, err = r.Do(ctx, ops.Open("testdata/none", unix.O_RDONLY, 0))
	fmt.Println(err, errors.Is(err, os.ErrNotExist))
	// Output:
	// hello
	// openat testdata/none: no such file or directory true
}

// A loop over completions ends with its context, with the Ring, or when it is
// left. No completion is lost by that.
func ExampleRing_Completions() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()

	for i := range 3 {
		if _, err := r.Queue(ops.Timer(time.Duration(i) * 20 * time.Millisecond).WithTag(i)); err != nil {
			log.Fatal(err)
		}
	}
	for c := range r.Completions(context.Background()) {
		fmt.Println(c.Tag)
		if c.Tag == 2 {
			break
		}
	}
	// Output:
	// 0
	// 1
	// 2
}

// What a turn of an event loop has answered needs its timeouts no more.
func ExampleRing_CancelEach() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var answered []ops.ID
	for range 3 {
		id, err := r.Submit(ops.Timer(time.Minute))
		if err != nil {
			log.Fatal(err)
		}
		answered = append(answered, id)
	}
	fmt.Println(r.CancelEach(answered), "were pending")
	completions := make([]ops.Completion, len(answered))
	if _, err := r.Wait(completions, len(completions), ring.Forever); err != nil {
		log.Fatal(err)
	}
	fmt.Println(completions[0].Err())
	// Output:
	// 3 were pending
	// timer: canceled
}

// A chain runs in order: each request starts when the one before it has
// succeeded. The first failure cancels the rest.
func ExampleRing_SubmitAll() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		log.Fatal(err)
	}

	chain := ops.Chain(
		ops.Write(pipe[1], []byte("one step after the other"), ops.Current).WithTag("write"),
		ops.Close(pipe[1]).WithTag("close"),
		ops.Open("testdata/none", unix.O_RDONLY, 0).WithTag("open"),
		ops.Close(pipe[0]).WithTag("never"),
	)
	if err := r.SubmitAll(chain, nil); err != nil {
		log.Fatal(err)
	}
	completions := make([]ops.Completion, len(chain))
	if _, err := r.Wait(completions, len(chain), ring.Forever); err != nil {
		log.Fatal(err)
	}
	for _, c := range completions {
		fmt.Println(c.Tag, c.N(), c.OK(), errors.Is(c.Err(), ops.ErrCanceled))
	}
	_ = unix.Close(pipe[0])
	// Output:
	// write 24 true false
	// close 0 true false
	// open 0 false false
	// never 0 false true
}

// Timeouts belong to requests; Wait has one of its own. Both are attempts: what
// succeeded in that moment is a success.
func ExampleRing_Wait_timeout() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	reader, writer, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _, _ = reader.Close(), writer.Close() }()

	read := ops.Read(int(reader.Fd()), make([]byte, 100), ops.Current).Keeping(reader)
	if _, err := r.Submit(read.WithTimeout(30 * time.Millisecond)); err != nil {
		log.Fatal(err)
	}
	var completions [8]ops.Completion
	_, err = r.Wait(completions[:], 1, time.Millisecond)
	fmt.Println("wait:", err)
	_, err = r.Wait(completions[:], 1, ring.Forever)
	fmt.Println("wait:", err)
	fmt.Println("read:", errors.Is(completions[0].Err(), ops.ErrTimeout))
	// Output:
	// wait: timed out
	// wait: <nil>
	// read: true
}

// A server's loop that takes requests in larger turns while it is busy. In each it waits
// for what its own replies yield, which is there at once, and for three quarters of the
// most requests that came in a turn; if these take longer than a moment, it wants fewer
// from then on. A request that comes alone is not held up. Timers stand for requests of
// eight clients here, and what does nothing for replies.
func ExampleRing_WaitBatch() {
	r, err := ring.New(ring.Config{Pinned: true})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var todo []ops.Request
	for range 8 {
		todo = append(todo, ops.Timer(time.Millisecond))
	}

	const moment = 200 * time.Microsecond
	var completions [64]ops.Completion
	total, replies, want := 0, 0, 0
	for total < 100 {
		if replies < want || replies*3/4 > want {
			want = replies * 3 / 4
		}
		if err := r.QueueAll(todo, nil); err != nil {
			log.Fatal(err)
		}
		n, err := r.WaitBatch(completions[:], min(max(replies+want, 1), len(completions)), moment, ring.Forever)
		if err != nil {
			log.Fatal(err)
		}
		todo, replies = todo[:0], 0
		for _, c := range completions[:n] {
			if c.Code == ops.CodeTimer { // a request
				todo = append(todo, ops.Nop(), ops.Timer(time.Millisecond))
				replies++
			}
		}
		total += replies
	}
	fmt.Println(total >= 100)
	// Output:
	// true
}

// A pinned Ring belongs to one goroutine, which waits; the others submit to it,
// post to it, and wake it.
func ExampleConfig_pinned() {
	r, err := ring.New(ring.Config{Pinned: true})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }() // on this goroutine

	go func() {
		for i := range 3 {
			_, _ = r.Post(i, ops.Normal)
		}
		_, _ = r.Submit(ops.Timer(20 * time.Millisecond).WithTag("the end"))
	}()
	for c := range r.Completions(context.Background()) {
		fmt.Println(c.Code, c.Tag)
		if c.Tag == "the end" {
			break
		}
	}
	// Output:
	// post 0
	// post 1
	// post 2
	// timer the end
}
