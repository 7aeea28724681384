package ops

// Rename returns a request to give the file or directory oldPath the name
// newPath, like rename(2): in one step, which replaces a file of that name, or an
// empty directory by a directory. Both must be on one file system, else EXDEV.
// Paths have the limits of Open.
//
// Native from kernel 5.11 (io_uring_prep_rename(3)).
func Rename(oldPath, newPath string) Request {
	return RenameAt(atFDCWD, oldPath, atFDCWD, newPath, 0)
}

// RenameAt is Rename with paths that start at the directories oldDir and newDir
// (unix.AT_FDCWD is the working directory), like renameat2(2). flags is 0, or
// unix.RENAME_NOREPLACE to fail with EEXIST where newPath exists,
// unix.RENAME_EXCHANGE to swap two names that must both exist, or
// unix.RENAME_WHITEOUT. What the file system cannot do ends in EINVAL.
//
// Native from kernel 5.11 (io_uring_prep_renameat(3)).
func RenameAt(oldDir int, oldPath string, newDir int, newPath string, flags int) Request {
	r := twoPaths(CodeRename, oldPath, false, newPath)
	if r.Code == CodeRename {
		r.FD, r.FD2, r.Flags = fd32(oldDir), fd32(newDir), uint32(flags)
	}
	return r
}
