//go:build linux && (amd64 || arm64) && !sluice_plainsignals

package signals_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
	"github.com/sluicego/sluice/signals"
)

// Wait is sigtimedwait.
func ExampleWait() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	release, _ := signals.Hold(signals.RTMin + 1)
	defer release()
	ctx := context.Background()
	_, _ = r.Do(ctx, signals.Queue(os.Getpid(), signals.RTMin+1, 42))
	s, err := signals.Wait(ctx, r, time.Second, signals.RTMin+1)
	if err == nil {
		fmt.Println(ops.SignalName(s.Signo), s.Value)
	}
	_, err = signals.Wait(ctx, r, time.Millisecond, signals.RTMin+1)
	fmt.Println(err)
	// Output:
	// SIGRTMIN+1 42
	// signal watch SIGRTMIN+1: timed out
}
