//go:build !linux

package fallback

func blocking(f func()) { f() }
