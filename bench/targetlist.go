package main

// targets are all there are, in the order of the table.
var targets = append(fileTargets, networkTargets...)

// fileTargets are those of single requests, files, locks, signals and timers.
var fileTargets = []target{
	least(0.8, "nothing, one at a time, pinned", "nop/batch-1", "pinned", "c", "requests-that-do-nothing-benchrun-nop"),
	least(0.9, "nothing, 8 at a time, pinned", "nop/batch-8", "pinned", "c", "requests-that-do-nothing-benchrun-nop"),
	least(0.9, "nothing, 32 at a time, pinned", "nop/batch-32", "pinned", "c", "requests-that-do-nothing-benchrun-nop"),
	least(0.9, "nothing, 128 at a time, pinned", "nop/batch-128", "pinned", "c", "requests-that-do-nothing-benchrun-nop"),

	least(3, "small files, cached, pinned, two CPUs", "smallfiles/cached", "two-pinned", "os.ReadFile", "small-files-benchrun-smallfiles"),
	least(0.95, "one CPU", "smallfiles/cached", "pinned", "c", "small-files-benchrun-smallfiles"),
	least(3, "small files, cached, shared, two CPUs", "smallfiles/cached", "two-shared", "os.ReadFile", "small-files-benchrun-smallfiles"),
	least(0.95, "one CPU", "smallfiles/cached", "shared", "c", "small-files-benchrun-smallfiles"),
	least(2.7, "small files, not cached, pinned", "smallfiles/not-cached", "pinned", "os.ReadFile", "small-files-benchrun-smallfiles"),
	least(0.95, "", "smallfiles/not-cached", "pinned", "c", "small-files-benchrun-smallfiles"),
	least(2.7, "small files, not cached, shared", "smallfiles/not-cached", "shared", "os.ReadFile", "small-files-benchrun-smallfiles"),
	least(0.95, "", "smallfiles/not-cached", "shared", "c", "small-files-benchrun-smallfiles"),

	least(2, "random reads, O_DIRECT, depth 32, pinned", "randread/depth-32", "pinned", "goroutines", "random-reads-benchrun-randread-cachedread"),
	most(1.1, "their CPU", "randread/depth-32-cpu", "pinned", "c", "random-reads-benchrun-randread-cachedread"),
	least(2, "random reads, O_DIRECT, depth 128, pinned", "randread/depth-128", "pinned", "goroutines", "random-reads-benchrun-randread-cachedread"),
	most(1.1, "their CPU", "randread/depth-128-cpu", "pinned", "c", "random-reads-benchrun-randread-cachedread"),
	most(1.15, "random reads, cached, pinned, CPU", "cachedread/depth-32-cpu", "pinned", "c", "random-reads-benchrun-randread-cachedread"),
	least(1, "the same on two rings and CPUs, rate", "cachedread/two-cpus", "two-pinned", "goroutines", "random-reads-benchrun-randread-cachedread"),
	most(1.4, "one cached read through Do, alone, CPU", "do/read-4k-cpu", "do", "os.ReadAt", "one-cached-read-through-do-benchrun-do"),

	most(2000, "a blocking call through the pool, Do", "workers/nothing-wall", "do", "", "blocking-calls-benchrun-workers"),
	most(1.5, "flock and unlock, free, Do, CPU", "locks/flock-cpu", "do", "direct", "file-locks-benchrun-locks"),
	most(1.1, "in batches of 32", "locks/flock-cpu", "batch-32", "direct", "file-locks-benchrun-locks"),
	most(1.5, "OFD lock and unlock, free, Do, CPU", "locks/ofd-cpu", "do", "direct", "file-locks-benchrun-locks"),
	most(1.1, "in batches of 32", "locks/ofd-cpu", "batch-32", "direct", "file-locks-benchrun-locks"),
	most(70, "threads for 100,000 that wait for a lock", "locks/hand-over-threads", "100000-waiting", "", "file-locks-benchrun-locks"),
	most(1.15, "handing a lock over, against 10 waiting", "locks/hand-over-cpu", "100000-waiting", "10-waiting", "file-locks-benchrun-locks"),

	most(2, "an urgent read behind 10,000, window 8, p99", "priority/window-8-p99", "urgent", "idle", "an-urgent-read-benchrun-priority"),
	most(0.05, "", "priority/window-8-p99", "urgent", "fifo", "an-urgent-read-benchrun-priority"),

	most(1, "a million timers: add, shared", "timers/1000000-add", "shared", "AfterFunc", "timers-benchrun-timers"),
	most(1, "cancel", "timers/1000000-cancel", "shared", "AfterFunc", "timers-benchrun-timers"),
	most(1, "fire", "timers/1000000-fire", "shared", "AfterFunc", "timers-benchrun-timers"),
	most(0.5, "memory", "timers/1000000-memory", "shared", "AfterFunc", "timers-benchrun-timers"),

	most(0, "real-time signals lost of 100,000", "signals/flood-lost", "watch", "", "signals-benchrun-signals"),
}
