package ring_test

import (
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// eachPair runs f with two Rings in each combination of modes, both of the test's
// goroutine.
func eachPair(t *testing.T, cfg ring.Config, f func(t *testing.T, from, to *ring.Ring)) {
	needs(t, "6.0")
	eachMode(t, func(t *testing.T, newRing maker) {
		for _, pinned := range []bool{false, true} {
			from, other := newRing(cfg), cfg
			other.Engine, other.Pinned = from.Info().Engine, pinned
			to, err := ring.New(other)
			require.NoError(t, err)
			f(t, from, to)
			closeRing(t, to)
		}
	})
}

// A message is a member of a chain on one Ring, and a completion on another: with the
// number, and with the inbox's tag and priority. It comes when those before it are
// done, and not if they fail.
//
// covers: message inbox
func TestInbox(t *testing.T) {
	eachPair(t, ring.Config{}, func(t *testing.T, from, to *ring.Ring) {
		in, err := to.NewInbox("mail", ops.High)
		require.NoError(t, err)
		rd, wr := pipe(t)
		chain := ops.Chain(ops.Read(rd, make([]byte, 2), ops.Current), ops.PostTo(in, 7))
		require.NoError(t, from.SubmitAll(chain, nil))
		takeNone(t, to)
		write(t, wr, "go")
		for _, c := range take(t, from, 2) {
			assert.NoError(t, c.Err())
		}
		c := takeOne(t, to)
		assert.Equal(t, "mail", c.Tag)
		assert.Equal(t, ops.High, c.Priority)
		assert.Equal(t, ops.CodeInbox, c.Code)
		assert.Equal(t, in.ID(), c.ID)
		assert.Equal(t, 7, c.N())
		assert.True(t, c.More)
		assert.Same(t, in, c.Arg)
		assert.False(t, c.Direct().Valid())
		for _, n := range []int{0, 1, ops.MaxPost} {
			do(t, from, ops.PostTo(in, n))
			assert.Equal(t, n, next(t, to).N())
		}

		require.NoError(t, from.SubmitAll(ops.Chain(ops.Read(noFD, nil, 0), ops.PostTo(in, 8)), nil))
		for _, c := range take(t, from, 2) {
			assert.Error(t, c.Err())
		}
		takeNone(t, to)
		id := start(t, from, ops.Read(rd, make([]byte, 1), ops.Current))
		require.NoError(t, from.Cancel(id))
		takeOne(t, from)

		in.Close()
		in.Close()
		last := takeOne(t, to)
		assert.False(t, last.More)
		assert.ErrorIs(t, last.Err(), ops.ErrCanceled)
		_, err = from.Submit(ops.PostTo(in, 1))
		assert.ErrorIs(t, err, ops.ErrClosed)
		stillWorks(t, from)
		stillWorks(t, to)
	})
}

// A direct descriptor goes along in a chain: accept on one Ring, served on another.
func TestInboxTakesDescriptors(t *testing.T) {
	eachPair(t, ring.Config{DirectFiles: 1}, func(t *testing.T, from, to *ring.Ring) {
		in, err := to.NewInbox("mail", ops.Normal)
		require.NoError(t, err)
		rd, wr := pipe(t)
		d := direct(t, from, ops.Register(wr))
		require.NoError(t, unix.Close(wr))
		require.NoError(t, from.SubmitAll(ops.Chain(ops.PostDirectTo(in, d), ops.Close(d.FD())), nil))
		for _, c := range take(t, from, 2) {
			assert.NoError(t, c.Err())
		}
		c := takeOne(t, to)
		assert.True(t, c.More)
		assert.Equal(t, -1, c.FD())
		require.True(t, c.Direct().Valid())
		do(t, to, ops.Write(c.Direct().FD(), []byte("hi"), ops.Current))

		fails(t, from, ops.PostDirectTo(in, d), syscall.EBADF, "direct 0")
		d = direct(t, from, ops.Register(rd))
		_, err = try(t, from, ops.PostDirectTo(in, d))
		assert.ErrorIs(t, err, ops.ErrNoDirect, "the other table is full")
		do(t, to, ops.Close(c.Direct().FD()))

		// One that finds no inbox does not stay open.
		in2, err := to.NewInbox("gone", ops.Normal)
		require.NoError(t, err)
		late := ops.PostDirectTo(in2, d)
		submit(t, from, ops.Nop().WithTag("ahead"))
		queue(t, from, late)
		require.NoError(t, to.Cancel(in2.ID()))
		takeOne(t, to)
		require.NoError(t, from.Flush())
		for _, c := range take(t, from, 2) {
			assert.NoError(t, c.Err(), c.Code)
		}
		takeNone(t, to)
		direct(t, to, ops.Register(rd)) // there is a free place
		in.Close()
		takeOne(t, to)
	})
}

// A Ring can tell itself, but not send itself descriptors.
func TestInboxOfTheSameRing(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		in, err := r.NewInbox("mail", ops.Low)
		require.NoError(t, err)
		submit(t, r, ops.PostTo(in, 3).WithTag("post"))
		all := byTag(t, take(t, r, 2))
		assert.NoError(t, errOf(all["post"]))
		assert.Equal(t, 3, func() int { c := all["mail"]; return c.N() }())
		d := direct(t, r, ops.Register(0))
		fails(t, r, ops.PostDirectTo(in, d), syscall.EINVAL, "direct 0")
		require.NoError(t, r.SetPriority(in.ID(), ops.Highest))
		do(t, r, ops.Close(d.FD()))
	})
}

// Goroutines with Rings of their own, pinned and not, send each other messages: all
// arrive, once, in order of their sending.
func TestInboxBetweenOwners(t *testing.T) {
	needs(t, "6.0")
	for _, pinned := range []bool{false, true} {
		const senders, letters = 3, 300
		in := make(chan *ring.Inbox)
		over := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			defer close(over)
			r, err := ring.New(ring.Config{Pinned: pinned})
			require.NoError(t, err)
			defer closeRing(t, r)
			boxes := map[any]int{}
			for i := range senders {
				box, err := r.NewInbox(i, ops.Normal)
				assert.NoError(t, err)
				in <- box
			}
			for range senders * letters {
				c := next(t, r)
				assert.Equal(t, boxes[c.Tag], c.N(), "sender %v", c.Tag)
				boxes[c.Tag]++
			}
		})
		for range senders {
			box := <-in
			all.Go(func() {
				r, err := ring.New(ring.Config{Pinned: pinned})
				require.NoError(t, err)
				defer closeRing(t, r)
				for n := range letters {
					_, err := r.Do(t.Context(), ops.PostTo(box, n))
					assert.NoError(t, err)
				}
				<-over
			})
		}
		all.Wait()
	}
}

func TestInboxRefusals(t *testing.T) {
	needs(t, "6.0")
	eachRing(t, func(t *testing.T, r *ring.Ring) {
		in, err := r.NewInbox("mail", ops.Normal)
		require.NoError(t, err)
		forged := ops.PostTo(in, 1)
		forged.FD2 = 0
		foreign := ops.PostTo(in, 1)
		foreign.Arg = mailbox{}
		foreign.FD2, foreign.Offset = 0, 0
		for _, req := range []ops.Request{
			ops.PostTo(nil, 1), ops.PostTo(in, -1), ops.PostTo(in, ops.MaxPost+1), ops.PostDirectTo(in, ops.Direct{}),
			{Code: ops.CodeInbox}, {Code: ops.CodeMessage}, {Code: ops.CodeMessage, Mode: ops.Managed}, forged, foreign,
		} {
			_, err := r.Submit(req)
			assert.ErrorIs(t, err, ops.ErrInvalid, "%+v", req)
		}
		_, err = r.NewInbox(nil, ops.Highest+1)
		assert.ErrorIs(t, err, ops.ErrInvalid)
		require.NoError(t, r.Close())
		_, err = r.NewInbox(nil, ops.Normal)
		assert.ErrorIs(t, err, ops.ErrClosed)
		in.Close()
	})
}

type mailbox struct{}

func (mailbox) Address() (int, uint64) { return 0, 0 }

// Requests that wait with a message behind them keep the descriptor of a Ring that is
// closed, and no longer.
func TestInboxOfAClosedRing(t *testing.T) {
	eachPair(t, ring.Config{}, func(t *testing.T, from, to *ring.Ring) {
		noLeaks(t)
		other, err := ring.New(ring.Config{Engine: from.Info().Engine}) // one engine reaches the other from 6.13 on
		require.NoError(t, err)
		in, err := other.NewInbox("mail", ops.Normal)
		require.NoError(t, err)
		rd, wr := pipe(t)
		read := ops.Read(rd, make([]byte, 1), ops.Current)
		require.NoError(t, from.SubmitAll(ops.HardChain(read, ops.PostTo(in, 1)), nil))
		require.NoError(t, other.Close())
		assert.Len(t, drain(t, other), 1)
		write(t, wr, "x")
		for _, c := range take(t, from, 2) {
			assert.NoError(t, c.Err(), "%v", c.Code)
		}
	})
}

// From io_uring, messages reach an inbox on the portable engine too, at the end of a
// chain as well, and wake who waits there.
func TestInboxOnPortableEngine(t *testing.T) {
	needs(t, "6.0")
	for _, pinned := range []bool{false, true} {
		r, err := ring.New(ring.Config{Engine: ring.IOURing, Pinned: pinned})
		require.NoError(t, err)
		to, err := ring.New(ring.Config{Engine: ring.Portable})
		require.NoError(t, err)
		in, err := to.NewInbox("mail", ops.Normal)
		require.NoError(t, err)
		waiting := make(chan struct{})
		join := during(t, func() {
			close(waiting)
			for n := range 3 {
				c := takeOne(t, to)
				assert.Equal(t, "mail", c.Tag)
				assert.Equal(t, n, c.N())
			}
		})
		<-waiting
		do(t, r, ops.PostTo(in, 0))
		rd, wr := pipe(t)
		write(t, wr, "go")
		for i, first := range []ops.Request{ops.Nop(), ops.Read(rd, make([]byte, 2), ops.Current)} {
			require.NoError(t, r.SubmitAll(ops.Chain(first, ops.PostTo(in, 1+i)), nil))
			for _, c := range take(t, r, 2) {
				require.NoError(t, c.Err())
			}
		}
		join()
		d := do(t, r, ops.Register(rd)).Direct()
		err = r.SubmitAll(ops.Chain(ops.Close(d.FD()), ops.PostTo(in, 3)), nil)
		require.ErrorIs(t, err, ops.ErrNotSupported)
		assert.ErrorContains(t, err, "the kernel does not reach a Ring on the portable engine; elsewhere a direct descriptor is not known")
		_, err = r.Submit(ops.PostDirectTo(in, d))
		require.NoError(t, err)
		c := takeOne(t, r)
		assert.ErrorIs(t, c.Err(), syscall.EBADFD, "it is in the kernel's table")
		closeRing(t, r)
		closeRing(t, to)
	}
}
