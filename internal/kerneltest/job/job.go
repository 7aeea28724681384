// Package job is what the program outside a virtual machine and the one inside
// say to each other: a Job goes in as a file of the first file system, and
// Events come out between the output of the commands, each on a line of its own.
package job

import (
	"encoding/json"
	"time"
)

// Path is where the guest finds its Job.
const Path = "/job.json"

// Mark begins the line of an Event.
const Mark = "@@kerneltest "

// Job is what a guest is to do.
type Job struct {
	Commands []Command
}

// Command is a program that the guest runs.
type Command struct {
	Name    string            // what the report calls it
	Args    []string          // the program's path and its arguments
	Dir     string            // where it runs
	Env     []string          // beside the guest's own environment
	User    uint32            // who runs it; 0 is root
	Sysctls map[string]string // what is set while it runs: name with slashes, value
	Timeout time.Duration     // after which it is killed
}

// Event is something that happened in a guest. Only one of the fields is set.
type Event struct {
	Start string `json:",omitempty"` // the command of this name starts
	End   *End   `json:",omitempty"` // it has ended
	Done  bool   `json:",omitempty"` // all have; the guest switches itself off
	Fail  string `json:",omitempty"` // the guest itself cannot go on, and why
}

// End is how a command ended.
type End struct {
	Name    string
	Status  int    // its exit status, -1 without one
	Trouble string // why it has none, or could not be run
	Seconds float64
}

// Line returns e as a line, without its end.
func (e Event) Line() string {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // it consists of strings and numbers
	}
	return Mark + string(text)
}

// Capabilities is what the probe finds out about a kernel. It prints it as JSON.
type Capabilities struct {
	Release    string
	Features   []string            // of its io_uring
	Flags      map[string][]string // the setup flags obtained, by mode: shared, pinned
	Operations []Operation
	Engine     string // what Auto chose
	Reason     string // and why
}

// Operation is how one operation is carried out.
type Operation struct {
	Name  string
	Since string // the release that the sources state for the native route
	Route string // native, emulated or unavailable
}
