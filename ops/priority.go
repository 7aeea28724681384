package ops

import "fmt"

// Priority orders requests: higher ones reach the kernel first, and their
// completions come out of Wait first. Within a level the order is first in,
// first out. The zero Priority is Normal.
type Priority int8

// The levels, from least to most urgent.
const (
	Lowest  Priority = -2
	Low     Priority = -1
	Normal  Priority = 0
	High    Priority = 1
	Highest Priority = 2
)

// Levels is the number of priorities.
const Levels = int(Highest-Lowest) + 1

// Valid reports whether p is one of the levels.
func (p Priority) Valid() bool { return p >= Lowest && p <= Highest }

// Level returns p's rank, from 0 for Lowest to Levels-1 for Highest.
func (p Priority) Level() int { return int(p - Lowest) }

// String returns the name of the level.
func (p Priority) String() string {
	switch p {
	case Lowest:
		return "lowest"
	case Low:
		return "low"
	case Normal:
		return "normal"
	case High:
		return "high"
	case Highest:
		return "highest"
	}
	return fmt.Sprintf("priority(%d)", int8(p))
}
