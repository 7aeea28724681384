package ring

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRouteNames(t *testing.T) {
	assert.Equal(t, "native emulated unavailable route(9)",
		Native.String()+" "+Emulated.String()+" "+Unavailable.String()+" "+Route(9).String())
}
