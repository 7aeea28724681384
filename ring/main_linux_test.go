package ring_test

import (
	"os"
	"testing"

	"github.com/sluicego/sluice/internal/testkit"
)

// TestMain fails when descriptors, goroutines, threads or mappings of rings
// outlive the tests.
func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }
