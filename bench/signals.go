package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
	"github.com/sluicego/sluice/signals"
)

// floodSignal is the one that the flood consists of.
const floodSignal = signals.RTMin + 9

// senderVariable makes this program the sender of a flood: "PID SIGNAL N".
const senderVariable = "SLUICE_BENCH_SENDER"

// signalCases has another process send real-time signals as fast as it can, each
// with a value of its own, and counts what arrives. The sender waits where the
// kernel takes no more, so whatever is lost was lost by the receiver. Rates are of
// those that arrived.
func signalCases(o options) ([]comparison, func(), error) {
	n := o.scale(100_000)
	by := func(receive func(int) (flood, error)) func() ([]float64, error) {
		return func() ([]float64, error) {
			f, err := receive(n)
			return []float64{float64(f.seen) / f.cpu.Seconds(), float64(n - f.seen)}, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	return []comparison{{
		name:    "flood",
		metrics: []metric{{"", "signal/cpu-s"}, {"lost", "signal"}},
		sides: []side{
			{"watch", by(floodWatch)},
			{"c-signalfd", func() ([]float64, error) {
				v, err := program("signalfd", strconv.Itoa(n), strconv.Itoa(int(floodSignal)), self, senderVariable)
				return append(v, 0), err // it fails if one is lost
			}},
			{"os/signal", by(floodOS)},
		},
	}}, func() {}, nil
}

// flood is what arrived, and what that took.
type flood struct {
	seen int
	cpu  time.Duration
}

// startSender starts a process that sends n signals to this one.
func startSender(n int) (*exec.Cmd, error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %d", senderVariable, os.Getpid(), floodSignal, n))
	cmd.Stderr = os.Stderr
	return cmd, cmd.Start()
}

// sendFlood is that process.
func sendFlood(order string) error {
	var pid, sig, n int
	if _, err := fmt.Sscan(order, &pid, &sig, &n); err != nil {
		return fmt.Errorf("%s=%q: %w", senderVariable, order, err)
	}
	r, err := ring.New(ring.Config{})
	if err != nil {
		return err
	}
	defer r.Close()
	for i := 0; i < n; {
		switch _, err := r.Do(context.Background(), signals.Queue(pid, syscall.Signal(sig), uint64(i))); {
		case err == nil:
			i++
		case errors.Is(err, syscall.EAGAIN): // RLIMIT_SIGPENDING
			time.Sleep(100 * time.Microsecond)
		default:
			return err
		}
	}
	return nil
}

// floodWatch fails unless each signal arrives once, or is counted as lost.
func floodWatch(n int) (f flood, err error) {
	r, err := ring.New(ring.Config{})
	if err != nil {
		return f, err
	}
	defer r.Close()
	if _, err := r.Submit(signals.Watch(floodSignal)); err != nil {
		return f, err
	}
	cmd, err := startSender(n)
	if err != nil {
		return f, err
	}
	before := cpuTime()
	seen := make([]bool, n)
	dst := make([]ops.Completion, 256)
	for lost := 0; f.seen+lost < n; {
		k, err := r.Wait(dst, 1, 10*time.Second)
		if err != nil {
			return f, fmt.Errorf("%d seen, %d lost of %d: %w", f.seen, lost, n, err)
		}
		for i := range dst[:k] {
			info := signals.Of(&dst[i])
			if errors.Is(dst[i].Err(), signals.ErrLost) {
				lost += int(info.Lost)
				continue
			}
			if err := dst[i].Err(); err != nil {
				return f, err
			}
			if info.Value >= uint64(n) || seen[info.Value] || int(info.Pid) != cmd.Process.Pid {
				return f, fmt.Errorf("unexpected: %v", info)
			}
			seen[info.Value] = true
			f.seen++
		}
	}
	f.cpu = cpuTime() - before
	return f, cmd.Wait()
}

// floodOS counts what os/signal passes on, to a channel that has room for all.
func floodOS(n int) (f flood, err error) {
	got := make(chan os.Signal, n)
	signal.Notify(got, floodSignal)
	counted := make(chan int)
	go func() {
		seen := 0
		for range got {
			seen++
		}
		counted <- seen
	}()
	cmd, err := startSender(n)
	before := cpuTime()
	if err == nil {
		err = cmd.Wait()
	}
	time.Sleep(100 * time.Millisecond) // nothing tells when the last one is through
	f.cpu = cpuTime() - before
	signal.Stop(got)
	close(got)
	f.seen = <-counted
	return f, err
}
