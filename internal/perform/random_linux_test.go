package perform_test

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
)

// Random transfers on a file of some pages, a part of which is not cached: what a
// ring transfers, this package does too, in one piece (trap 19).
func TestCompareRandomTransfers(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	compare(t, func(s *stage) {
		random := rand.New(rand.NewPCG(seed, 1))
		content := make([]byte, 1<<17)
		for i := range content {
			content[i] = byte(random.Uint32())
		}
		fd := s.file("f", string(content))
		for range 300 {
			if random.IntN(4) == 0 {
				require.NoError(s, unix.Fsync(fd))
				require.NoError(s, unix.Fadvise(fd, random.Int64N(1<<17), random.Int64N(1<<17), unix.FADV_DONTNEED))
			}
			s.transfer(random, fd)
		}
		after, err := os.ReadFile(s.path("f"))
		require.NoError(s, err)
		s.note(after)
	})
}

func (s *stage) transfer(random *rand.Rand, fd int) {
	bufs := make([][]byte, random.IntN(5))
	for i := range bufs {
		bufs[i] = make([]byte, random.IntN(3)*random.IntN(30000))
		for j := range bufs[i] {
			bufs[i][j] = byte(i + j)
		}
	}
	one := make([]byte, random.IntN(1<<17))
	off := random.Int64N(1 << 17)
	if random.IntN(5) == 0 {
		off = ops.Current
	}
	switch random.IntN(5) {
	case 0:
		s.do(ops.Readv(fd, bufs, off))
	case 1:
		s.do(ops.Writev(fd, bufs, off))
	case 2:
		s.do(ops.Write(fd, one[:len(one)/8], off))
	default:
		s.do(ops.Read(fd, one, off))
	}
	s.note(bufs, one)
}

// Random sends and receives of all that was asked for, on sockets with little room.
func TestCompareRandomStreams(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	compare(t, func(s *stage) {
		random := rand.New(rand.NewPCG(seed, 2))
		a, b := s.pair(unix.SOCK_STREAM)
		require.NoError(s, unix.SetsockoptInt(a, unix.SOL_SOCKET, unix.SO_SNDBUF, 4096))
		sizes := make([]int, 30)
		total := 0
		for i := range sizes {
			sizes[i] = 1 + random.IntN(1<<15)
			total += sizes[i]
		}
		all := make(chan []byte)
		go func() { // the other end
			got := make([]byte, total)
			for n := 0; n < total; {
				k, err := unix.Read(b, got[n:])
				if err != nil || k == 0 {
					break
				}
				n += k
			}
			all <- got
		}()
		for i, n := range sizes {
			block := make([]byte, n)
			for j := range block {
				block[j] = byte(i + j)
			}
			if i%2 == 0 {
				s.do(ops.Send(a, block, unix.MSG_WAITALL))
			} else {
				s.do(ops.Sendmsg(a, ops.NewMsg(block[:n/3], nil, block[n/3:]), unix.MSG_WAITALL))
			}
		}
		_ = unix.Shutdown(a, unix.SHUT_WR) // should something be missing, the other end ends
		got := <-all
		assert.Len(s, got, total)
		s.note(got)
	})
}
