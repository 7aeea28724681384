package ring_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

// BenchmarkDo reads 4 KiB of a cached file, alone, and does so without a Ring. "short"
// asks for more than the file has left, which takes the engine.
func BenchmarkDo(b *testing.B) {
	f, err := os.CreateTemp(b.TempDir(), "")
	require.NoError(b, err)
	defer f.Close()
	_, err = f.Write(make([]byte, 1<<20))
	require.NoError(b, err)
	buf := make([]byte, 4096)
	big := make([]byte, 8192)
	measure := func(b *testing.B, read func(offset int64) error) {
		b.ReportAllocs()
		before := cpuTime(b)
		for b.Loop() {
			if err := read(int64(b.N&255) << 12); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
	}
	for _, name := range []string{"shared", "pinned"} {
		b.Run(name, func(b *testing.B) {
			r, err := ring.New(ring.Config{Pinned: name == "pinned"})
			require.NoError(b, err)
			defer func() { require.NoError(b, r.Close()) }()
			measure(b, func(offset int64) error {
				_, err := r.Do(context.Background(), ops.Read(int(f.Fd()), buf, offset))
				return err
			})
		})
	}
	b.Run("short", func(b *testing.B) {
		r, err := ring.New(ring.Config{})
		require.NoError(b, err)
		defer func() { require.NoError(b, r.Close()) }()
		measure(b, func(int64) error {
			_, err := r.Do(context.Background(), ops.Read(int(f.Fd()), big, 255<<12))
			return err
		})
	})
	b.Run("ReadAt", func(b *testing.B) {
		measure(b, func(offset int64) error {
			_, err := f.ReadAt(buf, offset)
			return err
		})
	})
}
