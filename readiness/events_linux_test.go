package readiness

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"
)

func TestEventsAreTheKernels(t *testing.T) {
	for want, e := range map[int]Events{
		unix.POLLIN: In, unix.POLLPRI: Pri, unix.POLLOUT: Out, unix.POLLERR: Err, unix.POLLHUP: Hup,
		unix.POLLNVAL: Nval, unix.POLLRDHUP: RdHup, unix.EPOLLRDNORM: RdNorm, unix.EPOLLRDBAND: RdBand,
	} {
		assert.EqualValues(t, want, e, "%v", e)
	}
}
