package goid

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCurrentTellsGoroutinesApart(t *testing.T) {
	mine := Current()
	assert.NotZero(t, mine)
	assert.Equal(t, mine, Current())
	other := make(chan uintptr)
	go func() { other <- Current() }()
	assert.NotEqual(t, mine, <-other)
	assert.Equal(t, mine, Current())
}
