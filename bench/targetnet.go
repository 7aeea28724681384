package main

import "fmt"

// networkTargets are those of what programs do with sockets and with many requests.
var networkTargets = append(echoTargets(), []target{
	most(1, "TCP proxy, 1 connection, CPU", "proxy/1-cpu", "pinned", "c-splice", "the-proxy-benchrun-proxy"),
	least(1, "rate", "proxy/1-rate", "pinned", "io.Copy", "the-proxy-benchrun-proxy"),
	most(1, "TCP proxy, 16 connections, CPU", "proxy/16-cpu", "pinned", "c-splice", "the-proxy-benchrun-proxy"),
	least(1, "rate", "proxy/16-rate", "pinned", "io.Copy", "the-proxy-benchrun-proxy"),
	least(2, "cat into a pipe", "cat/pipe", "cat-and-proxy", "cat", "cat-benchrun-cat"),

	most(4500, "waking Wait, same CPU, shared", "wake/same-cpu-wall", "shared", "", "one-goroutine-wakes-another-in-wait-benchrun-wake"),
	most(6000, "waking Wait, same CPU, pinned", "wake/same-cpu-wall", "pinned", "", "one-goroutine-wakes-another-in-wait-benchrun-wake"),

	most(700, "memory of a pending receive, pinned", "memory/receive", "pinned", "", "memory-of-a-pending-request-benchrun-memory"),
	most(450, "memory of a pending poll, pinned", "memory/poll", "pinned", "", "memory-of-a-pending-request-benchrun-memory"),
	most(1.15, "a receive among 100,000 pending, pinned", "pending/receive-growth-pinned", "100000", "10", "many-pending-requests-benchrun-pending"),
	most(1.15, "a poll among 100,000 pending, pinned", "pending/poll-growth-pinned", "100000", "10", "many-pending-requests-benchrun-pending"),
	most(1.15, "a receive among 100,000 pending, shared", "pending/receive-growth-shared", "100000", "10", "many-pending-requests-benchrun-pending"),
	most(1.15, "a poll among 100,000 pending, shared", "pending/poll-growth-shared", "100000", "10", "many-pending-requests-benchrun-pending"),
}...)

// echoTargets are the same for each size and number of connections.
func echoTargets() (all []target) {
	for _, c := range []struct{ name, what string }{
		{"64B-64", "64 B, 64 connections"}, {"4096B-64", "4 KiB, 64 connections"},
		{"64B-1000", "64 B, 1000 connections"}, {"4096B-1000", "4 KiB, 1000 connections"},
	} {
		cpu := "echo/" + c.name + "-cpu"
		all = append(all,
			most(0.7, fmt.Sprintf("TCP echo, %s, pinned, CPU", c.what), cpu, "pinned", "std", "tcp-echo-benchrun-echo-echo-one"),
			most(0.75, "", cpu, "pinned", "gnet", "tcp-echo-benchrun-echo-echo-one"),
			most(1.05, "", cpu, "pinned", "c-ring", "tcp-echo-benchrun-echo-echo-one"))
		for i, peer := range []string{"std", "gnet", "netpoll", "c-ring", "c-epoll"} {
			what := ""
			if i == 0 {
				what = "its p99"
			}
			all = append(all, most(1, what, "echo/"+c.name+"-p99", "pinned", peer, "tcp-echo-benchrun-echo-echo-one"))
		}
	}
	return all
}
