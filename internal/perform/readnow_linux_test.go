package perform

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/internal/testkit"
)

// What ReadNow cannot know to be all leaves everything as it was; what it takes from
// a file that gives it only once counts, though it is less.
func TestReadNow(t *testing.T) {
	f := file(t, "0123456789")
	b := make([]byte, 4)
	if _, err := unix.Preadv2(int(f.Fd()), [][]byte{b}, 0, unix.RWF_NOWAIT); err == unix.EOPNOTSUPP {
		t.Skip("the file system of the test's folder cannot be asked not to wait")
	}
	n, ok := ReadNow(int32(f.Fd()), b, 3)
	require.True(t, ok)
	assert.EqualValues(t, 4, n)
	assert.Equal(t, "3456", string(b))
	position, err := f.Seek(0, 1)
	require.NoError(t, err)
	assert.Zero(t, position)

	for _, offset := range []int64{8, 10, 1 << 40} { // trap 19
		_, ok = ReadNow(int32(f.Fd()), b, offset)
		assert.False(t, ok, "the file ends at 10, a read from %d may be short for other reasons", offset)
	}
	_, ok = ReadNow(1<<30, b, 0)
	assert.False(t, ok, "EBADF")
	rd, wr := pipe(t, 0)
	_, err = unix.Write(wr, []byte("pipe"))
	require.NoError(t, err)
	_, ok = ReadNow(int32(rd), b, 0)
	assert.False(t, ok, "ESPIPE")

	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	n, ok = ReadNow(int32(null.Fd()), b, 0)
	assert.Equal(t, testkit.KernelHas("5.16"), ok, "a device that gives less, and knows RWF_NOWAIT")
	assert.Zero(t, n)
}
