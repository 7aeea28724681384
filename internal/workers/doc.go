// Package workers runs functions that block on a bounded number of goroutines, in
// order of priority.
//
// # Slots
//
// A job holds a slot while it runs, and there are as many slots as the Pool's
// limit. A job that waits for other requests gives its slot up for that time: the
// Ring tells the Pool (Park, Unpark) whenever a goroutine is about to sleep in Do,
// Wait or Close, and the Pool knows its own goroutines. So jobs that wait never
// hold what the awaited jobs need, however deep they nest. Whoever returns from
// such a wait goes on at once, even if all slots are taken by then, since a job
// that holds one may in turn wait for something of his: for a moment more jobs can
// run than there are slots, and no new one starts until there are fewer.
//
// A goroutine parked in a Ring occupies no thread.
package workers
