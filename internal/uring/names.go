package uring

import (
	"fmt"
	"strings"
)

// Op is the code of an operation, one of the Op constants. It is an alias, so
// that the constants fit SQE.Opcode as they are.
type Op = uint8

// flagName names one bit of a flag word and the release that brought it.
type flagName struct {
	bit         uint32
	name, since string
}

// OpName returns the kernel's name of op without its prefix, such as
// "READ_FIXED", or "op 200" for one that this package does not know.
func OpName(op Op) string {
	if int(op) >= len(opInfo) {
		return fmt.Sprintf("op %d", op)
	}
	return opInfo[op].name
}

// OpSince returns the Linux release in which op appeared, such as "5.6", and ""
// for one that this package does not know. It is for messages: kernels with
// backports have operations earlier, sandboxes not at all (trap 43).
func OpSince(op Op) string {
	if int(op) >= len(opInfo) {
		return ""
	}
	return opInfo[op].since
}

// SetupNames returns the names of io_uring_setup(2) flags, such as
// "CLAMP|SUBMIT_ALL".
func SetupNames(flags uint32) string { return flagNames(setupNames, flags) }

// FeatureNames returns the names of the feature bits that io_uring_setup(2)
// reports, such as "NODROP|EXT_ARG".
func FeatureNames(features uint32) string { return flagNames(featNames, features) }

func flagNames(table []flagName, flags uint32) string {
	var names []string
	for _, f := range table {
		if flags&f.bit != 0 {
			names = append(names, f.name)
			flags &^= f.bit
		}
	}
	if flags != 0 {
		names = append(names, fmt.Sprintf("%#x", flags))
	}
	return strings.Join(names, "|")
}
