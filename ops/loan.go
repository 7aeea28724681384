package ops

import (
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
)

// BufferGroup is a group of buffers from which the kernel picks one when it has
// something to put there. Package ring's BufferRing is one.
type BufferGroup interface {
	// GroupID is the number under which the kernel knows it.
	GroupID() uint16
}

// Loan is a buffer of a group while a completion owns it: what Arg of such a
// completion holds. Engines make them and use them again; a completion names one
// by its generation, so that a use after Release is noticed.
type Loan struct {
	// Lender takes the buffer back.
	Lender interface{ TakeBack(*Loan) }
	// Key is the lender's own.
	Key uint64
	// Arg is the request's argument, or of an accept the address that was lent.
	Arg any

	data  []byte
	more  [][]byte      // what follows data in a bundle
	state atomic.Uint32 // generation<<1, and 1 while lent
}

const (
	lent            = 1
	generationShift = 1
	generationMask  = 1<<(32-flagBits) - 1
)

// Lend begins a loan of data. The loan must not be running.
func (l *Loan) Lend(data []byte) {
	l.data = data
	l.more = l.more[:0]
	l.state.Or(lent)
}

// Append adds a further piece to a loan that nobody has been told of.
func (l *Loan) Append(data []byte) { l.more = append(l.more, data) }

// Pieces returns how many pieces were lent.
func (l *Loan) Pieces() int { return 1 + len(l.more) }

// Flags returns the bits that Completion.Flags has while l runs.
func (l *Loan) Flags() uint32 { return FlagBuffer | l.state.Load()>>generationShift<<flagBits }

// Data returns what was lent, for engines.
func (l *Loan) Data() []byte { return l.data }

// runs reports whether the loan of the given flags has not ended.
func (l *Loan) runs(flags uint32) bool {
	return l.state.Load() == flags>>flagBits<<generationShift|lent
}

// end ends the loan of the given flags, or reports that it has ended before.
func (l *Loan) end(flags uint32) bool {
	generation := flags >> flagBits
	next := (generation + 1) & generationMask << generationShift
	return l.state.CompareAndSwap(generation<<generationShift|lent, next)
}

// loan returns the loan that c was given, nil for none.
func (c *Completion) loan() *Loan {
	if c.Flags&FlagBuffer == 0 {
		return nil
	}
	l, _ := c.Arg.(*Loan)
	return l
}

// Release gives the buffer that c has borrowed, or all of a bundle's, back to the
// group, or the address of an AcceptMultiAddr to the Ring. What Bytes, Pieces and
// Peer returned must not be used any more. Any goroutine may call it, once for each
// such completion, also after the Ring's Close; for completions without a
// borrowed buffer it does nothing.
//
// A second Release, on c or a copy of it, and Bytes after Release, panic: the
// memory belongs to the kernel, or to another completion, by then.
func (c *Completion) Release() {
	l := c.loan()
	if l == nil {
		return
	}
	if !l.end(c.Flags) {
		panic(fmt.Sprintf("ops: Release of %s %s: its buffer was released before", c.Code, c.target()))
	}
	l.Lender.TakeBack(l)
}

// borrowed returns what is in the buffer of l; a copy if that is in several.
func (c *Completion) borrowed(l *Loan) []byte {
	c.mustOwn(l, "Bytes")
	if len(l.more) == 0 {
		return l.data
	}
	return slices.Concat(append([][]byte{l.data}, l.more...)...)
}

func (c *Completion) mustOwn(l *Loan, what string) {
	if !l.runs(c.Flags) {
		panic(fmt.Sprintf("ops: %s of %s %s: its buffer was released before", what, c.Code, c.target()))
	}
}

// Pieces yields what was transferred buffer by buffer, in order: one for most
// completions, none where Bytes is empty, and several where a bundle (RecvBundle)
// has borrowed as many. They are good until Release, and Pieces panics after it.
func (c *Completion) Pieces() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		l := c.loan()
		if l == nil || l.data == nil {
			if b := c.Bytes(); len(b) > 0 {
				yield(b)
			}
			return
		}
		c.mustOwn(l, "Pieces")
		more := l.more
		if !yield(l.data) {
			return
		}
		for _, piece := range more {
			c.mustOwn(l, "Pieces") // the loop may have released it
			if !yield(piece) {
				return
			}
		}
	}
}
