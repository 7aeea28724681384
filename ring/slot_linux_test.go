package ring

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sluicego/sluice/ops"
)

// A pending request costs what its slot and the kernel take. With its name, 8 bytes, a
// slot is to fill two cache lines and a half, so that the straight way touches two of
// them wherever it lies: what it leaves alone begins behind the first 80 bytes.
func TestSlotSize(t *testing.T) {
	if reflect.TypeFor[uintptr]().Size() != 8 {
		t.Skip("it is about machines with pointers of 8 bytes")
	}
	assert.EqualValues(t, 160-8, reflect.TypeFor[slot]().Size())
	q, _ := reflect.TypeFor[slot]().FieldByName("req")
	arg, _ := reflect.TypeFor[ops.Request]().FieldByName("Arg")
	assert.EqualValues(t, 80-8, q.Offset+arg.Offset)
}

// What few requests have is handed over in order, and nothing of it is left.
func TestRare(t *testing.T) {
	var m rare
	assert.Nil(t, m.take(1))
	for _, v := range []any{"a", nil, "b"} {
		m.bring(1, v)
	}
	m.bring(2, "other")
	assert.Equal(t, []any{"a", nil, "b", nil}, []any{m.take(1), m.take(1), m.take(1), m.take(1)})
	assert.Equal(t, "other", m.take(2))
	assert.Empty(t, m.brought)

	for want := range uint8(10) {
		assert.Equal(t, min(want, 6), m.miss(1))
	}
	m.bring(1, "c")
	m.forget(1)
	assert.Empty(t, m.missed)
	assert.Empty(t, m.brought)
}
