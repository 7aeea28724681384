package ring

import (
	"sync"

	"github.com/sluicego/sluice/internal/sockname"
	"github.com/sluicego/sluice/ops"
)

// peers lends the addresses that completions of AcceptMultiAddr bring. Unlike
// buffers of a group they may be kept: then they are their owner's, and new ones
// are made.
type peers struct {
	mu   sync.Mutex  // guards idle; no other lock is taken under it
	idle []*ops.Loan // released, each with its Sockaddr in Arg
}

// idlePeers bounds the memory that is kept for later connections: some 200 KiB.
const idlePeers = 1024

// name makes c, which has a connection, own the address of its other side.
func (p *peers) name(c *ops.Completion) {
	l := p.loan()
	sockname.Peer(c.Res, l.Arg.(*ops.Sockaddr))
	l.Lend(nil)
	c.Arg = l
	c.Flags = l.Flags()
}

func (p *peers) loan() *ops.Loan {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle) - 1
	if n < 0 {
		return &ops.Loan{Lender: p, Arg: new(ops.Sockaddr)}
	}
	l := p.idle[n]
	p.idle[n], p.idle = nil, p.idle[:n]
	return l
}

// TakeBack is what Release of a completion calls.
func (p *peers) TakeBack(l *ops.Loan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < idlePeers {
		p.idle = append(p.idle, l)
	}
}
