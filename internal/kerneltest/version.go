package main

import "fmt"

// atLeast reports whether release, such as "6.12.43+deb13", is since or later.
func atLeast(release, since string) bool {
	var major, minor, wantMajor, wantMinor int
	_, _ = fmt.Sscanf(release, "%d.%d", &major, &minor) // what is missing is 0
	_, _ = fmt.Sscanf(since, "%d.%d", &wantMajor, &wantMinor)
	return major > wantMajor || major == wantMajor && minor >= wantMinor
}
