// Package ops is the vocabulary of sluice: requests, completions, priorities and
// errors, and constructors for file, network and timer operations. Everything in
// it is plain data; no function makes a system call.
//
// A constructor returns a Request, a value. What cannot be said in its arguments
// is added with the With methods or by setting fields:
//
//	ops.Read(fd, buf, 0).WithPriority(ops.High).WithTimeout(time.Second).WithTag(job)
//
// A constructor given senseless arguments, such as a path with a NUL byte, returns
// a request that Submit refuses with the reason.
package ops
