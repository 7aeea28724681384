package ring_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

func TestSmoke(t *testing.T) {
	for _, pinned := range []bool{false, true} {
		t.Run(fmt.Sprint(pinned), func(t *testing.T) {
			r, err := ring.New(ring.Config{Pinned: pinned})
			require.NoError(t, err)
			t.Logf("%+v", r.Info())
			_, err = r.Submit(ops.Nop().WithTag("x"))
			require.NoError(t, err)
			var dst [8]ops.Completion
			n, err := r.Wait(dst[:], 1, time.Second)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.Equal(t, "x", dst[0].Tag)
			n, err = r.Wait(dst[:], 1, 20*time.Millisecond)
			require.ErrorIs(t, err, ops.ErrTimeout)
			require.Equal(t, 0, n)
			f, _ := os.Open("/etc/passwd")
			buf := make([]byte, 100)
			c, err := r.Do(context.Background(), ops.Read(int(f.Fd()), buf, 0))
			require.NoError(t, err)
			require.Equal(t, 100, c.N())
			p1, p2, _ := os.Pipe()
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			_, err = r.Do(ctx, ops.Read(int(p1.Fd()), buf, ops.Current))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			_ = p2
			_, err = r.Do(context.Background(), ops.Read(int(p1.Fd()), buf, ops.Current).WithTimeout(10*time.Millisecond))
			require.ErrorIs(t, err, ops.ErrTimeout)
			_, err = r.Do(context.Background(), ops.Timer(10*time.Millisecond))
			require.NoError(t, err)
			var wg sync.WaitGroup
			for range 20 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for i := range 200 {
						d := time.Duration(i%3) * 100 * time.Microsecond
						_, err := r.Do(context.Background(), ops.Timer(d))
						if err != nil {
							t.Error(err)
						}
					}
				}()
			}
			if pinned {
				go func() { wg.Wait(); r.Wake() }()
				_, err = r.Wait(dst[:], 1, ring.Forever)
				require.ErrorIs(t, err, ops.ErrWoken)
			}
			wg.Wait()
			r.Submit(ops.Read(int(p1.Fd()), buf, ops.Current))
			require.NoError(t, r.Close())
			n, err = r.Wait(dst[:], 1, ring.Forever)
			require.NoError(t, err)
			require.ErrorIs(t, dst[0].Err(), ops.ErrClosed)
			n, err = r.Wait(dst[:], 1, ring.Forever)
			require.ErrorIs(t, err, ops.ErrClosed)
		})
	}
}
