//go:build !linux

package ops

// header has no content where no kernel reads it.
type header struct{}

// Source returns Addr.
func (m *Msg) Source() *Sockaddr { return m.Addr }

// Ancillary returns nil: nothing is received on this system.
func (m *Msg) Ancillary() []byte { return nil }

// Received returns 0: nothing is received on this system.
func (m *Msg) Received() int { return 0 }

func (s *RecvShape) layOut() {}
