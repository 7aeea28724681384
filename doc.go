// Package sluice is the root of a library that does input and output
// asynchronously on Linux, through io_uring: one Submit for reads, writes, opens,
// accepts, connects, timers and readiness, and one Wait for all of them, in order
// of priority and with a timeout. It contains no code itself. The packages are:
//
//   - ring: New, Submit, Wait, Do, Cancel, Close. Start reading there.
//   - ops: requests and completions, and the constructors of requests.
//   - readiness: requests that wait until a descriptor can be used, as with epoll.
//   - locks: requests that wait for locks of files and ranges, for futexes, and for
//     mutexes and events in memory that processes share.
//   - fallback: blocking functions as requests, run by a pool of workers.
//
// The programs under examples are complete. The folder doc has the architecture,
// the decisions behind it, and the list of traps that the library avoids.
package sluice

//go:generate go run ./internal/opsdoc
