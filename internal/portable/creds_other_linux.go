//go:build linux && (386 || arm)

package portable

import "syscall"

// creds would be a thread's credentials. The system calls for them have two kinds of
// ids on this architecture, and there are none here.
type creds struct{}

func (e *Engine) registerCreds() (int, syscall.Errno) { return 0, syscall.EOPNOTSUPP }

func (e *Engine) unregisterCreds(uint16) syscall.Errno { return syscall.EINVAL }

func runAs(_ *creds, w *worker) { w.res = einval }
