package fallback_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/internal/testkit"
	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// patience is how long tests wait for what should happen soon, on a busy machine.
const patience = 30 * time.Second

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// newRing returns a Ring that the end of the test closes.
func newRing(t testing.TB, cfg ring.Config) *ring.Ring {
	t.Helper()
	r, err := ring.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// submit submits a request that must be accepted.
func submit(t testing.TB, r *ring.Ring, req ops.Request) {
	t.Helper()
	_, err := r.Submit(req)
	require.NoError(t, err)
}

// wait returns the next completion, which must come.
func wait(t testing.TB, r *ring.Ring) ops.Completion {
	t.Helper()
	var dst [1]ops.Completion
	_, err := r.Wait(dst[:], 1, patience)
	require.NoError(t, err)
	return dst[0]
}
