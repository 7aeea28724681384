package fallback_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ring"
)

// newRing returns a Ring that the end of the test closes.
func newRing(t testing.TB, cfg ring.Config) *ring.Ring {
	t.Helper()
	r, err := ring.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}
