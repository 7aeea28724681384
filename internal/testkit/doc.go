// Package testkit holds what the tests of several packages share: children that
// run under limits, and the search for what tests left behind.
package testkit
