package ops

// Bits of Completion.Flags. Others are the engine's.
const (
	// FlagBuffer: the completion has borrowed a buffer from a group. Bytes is what
	// is in it, until Release.
	FlagBuffer uint32 = 1 << 0
	// FlagNonEmpty: there was more in the socket when this was received.
	FlagNonEmpty uint32 = 1 << 2
	// FlagCopied: a zero-copy send had to copy, as it does over loopback.
	FlagCopied uint32 = 1 << 6
	// FlagDirect: the result is, or would have been, a direct descriptor.
	FlagDirect uint32 = 1 << 7
)

// flagBits is the number of bits above; those of a borrowed buffer's generation
// follow.
const flagBits = 8
