package locking

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/outside"
	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

const patience = 30 * time.Second

// inbox is a Sink that keeps what is delivered.
type inbox chan delivered

type delivered struct {
	id  uint64
	res outside.Result
}

func (b inbox) Deliver(id uint64, res outside.Result) { b <- delivered{id, res} }

func newInbox() inbox { return make(inbox, 1000) }

// next returns the next delivery, which must come.
func (b inbox) next(t *testing.T) delivered {
	t.Helper()
	select {
	case d := <-b:
		return d
	case <-time.After(patience):
		require.FailNow(t, "nothing was delivered")
		return delivered{}
	}
}

// newSource returns a Source with that many threads, until the end of the test.
func newSource(t *testing.T, limit int) *Source {
	t.Helper()
	s := New(limit)
	t.Cleanup(func() {
		require.Zero(t, s.Stats().Waiting)
		s.Close()
	})
	return s
}

// begin starts a request that must wait.
func begin(t *testing.T, s *Source, id uint64, req ops.Request, to outside.Sink) {
	t.Helper()
	_, done := s.Start(id, &req, to)
	require.False(t, done)
}

// atOnce performs a request that must not wait.
func atOnce(t *testing.T, s *Source, req ops.Request) outside.Result {
	t.Helper()
	res, done := s.Start(1<<40, &req, nil)
	require.True(t, done)
	return res
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(end), "%s", what)
	}
}
