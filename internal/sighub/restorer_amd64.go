//go:build linux && !sluice_plainsignals

package sighub

// restorerPC returns the address of the code that ends a handler. Implemented in
// assembly.
func restorerPC() uintptr
