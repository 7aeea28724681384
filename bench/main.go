// Bench compares sluice with what else a program could use. See the script run
// beside it.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
)

func main() {
	if order := os.Getenv(senderVariable); order != "" {
		if err := sendFlood(order); err != nil {
			fmt.Fprintf(os.Stderr, "bench: sender: %v\n", err)
			os.Exit(1)
		}
		return
	}
	if order := os.Getenv(serverVariable); order != "" {
		if err := serve(order); err != nil {
			fmt.Fprintf(os.Stderr, "bench: server %s: %v\n", order, err)
			os.Exit(1)
		}
		return
	}
	if order := os.Getenv(subjectVariable); order != "" {
		if err := runSubject(order); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", order, err)
			os.Exit(1)
		}
		return
	}
	list := flag.Bool("list", false, "list the benchmarks")
	short := flag.Bool("short", false, "one brief round each, to see that it works")
	rounds := flag.Int("rounds", 7, "how often each side of a comparison runs")
	draw := flag.Bool("plot", false, "draw doc/bench from the results that were kept, and run nothing")
	flag.Parse()
	if *draw {
		if err := plot(); err != nil {
			fmt.Fprintf(os.Stderr, "bench: plot: %v\n", err)
			os.Exit(1)
		}
		return
	}
	if *list {
		for _, b := range benchmarks {
			fmt.Printf("%-12s %s\n", b.name, b.about)
		}
		return
	}
	o := options{rounds: *rounds, short: *short}
	if *short {
		o.rounds = 1
	}
	names := flag.Args()
	for _, name := range names {
		if !slices.ContainsFunc(benchmarks, func(b benchmark) bool { return b.name == name }) {
			fmt.Fprintf(os.Stderr, "bench: no benchmark %q: -list shows them\n", name)
			os.Exit(2)
		}
	}
	for _, b := range benchmarks {
		if len(names) != 0 && !slices.Contains(names, b.name) {
			continue
		}
		if err := b.run(o); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", b.name, err)
			os.Exit(1)
		}
	}
}

// benchmarks are all there are, in the order in which they run.
var benchmarks = []benchmark{
	{"nop", "requests that do nothing: operations per second of CPU", nopCases},
	{"do", "one cached read through Do: nanoseconds of CPU", doCases},
	{"smallfiles", "20,000 small cached files: files per second, and CPU", smallfileCases},
	{"randread", "random reads of 4 KiB past the page cache: reads per second, and CPU", randreadCases},
	{"cachedread", "the same from the page cache", cachedreadCases},
	{"priority", "an urgent read behind 10,000 others: nanoseconds", priorityCases},
	{"timers", "pending timers: nanoseconds of CPU to add, cancel and fire one, and bytes", timerCases},
	{"locks", "file locks, free and handed over: nanoseconds of CPU", lockCases},
	{"workers", "a blocking call through the pool: nanoseconds", workerCases},
	{"signals", "100,000 real-time signals from another process: lost, and per second of CPU", signalCases},
	{"wake", "one goroutine wakes another: nanoseconds", wakeCases},
	{"echo", "TCP echo over loopback, 64 and 1000 connections: CPU, rate, latency", echoCases},
	{"echo-one", "the same with one processor for the server and one for the load", echoOneCases},
	{"proxy", "TCP proxy over loopback, 1 and 16 connections: CPU for a gigabyte, rate", proxyCases},
	{"pending", "cost of an event with 10, 1,000 and 100,000 requests pending: CPU", pendingCases},
	{"memory", "of a pending request, kernel included: bytes", memoryCases},
	{"cat", "1 GiB into a pipe, whole programs: bytes per second", catCases},
}
