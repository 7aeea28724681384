package signals_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"syscall"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
	"github.com/sluicego/sluice/signals"
)

func Example() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	_, _ = r.Submit(signals.Watch(syscall.SIGTERM).WithPriority(ops.High))
	_, _ = r.Submit(signals.Watch(syscall.SIGHUP))
	_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
	for c := range r.Completions(context.Background()) {
		switch s := signals.Of(&c); s.Signo {
		case syscall.SIGHUP:
			fmt.Println("read the configuration again")
			_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		case syscall.SIGTERM:
			fmt.Println("stop")
			return
		}
	}
	// Output:
	// read the configuration again
	// stop
}

// A command, its output and its end are completions of one Ring.
func ExampleStart() {
	r, err := ring.New(ring.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	p, err := signals.Start(exec.Command("/bin/sh", "-c", "echo hello; exit 3"), signals.Stdout)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	ctx := context.Background()
	buf := make([]byte, 100)
	c, _ := r.Do(ctx, ops.Read(p.Stdout, buf, ops.Current))
	fmt.Printf("%s", c.Bytes())
	c, _ = r.Do(ctx, p.Exit())
	fmt.Println(signals.ExitOf(&c))
	// Output:
	// hello
	// exit status 3
}
