package perform

import "github.com/sluicego/sluice/internal/uring"

// operation is how the entries of one opcode are carried out.
type operation struct {
	try    func(*Call) (int32, Next) // nil where only do is there
	do     func(*Call) int32         // nil where the engine has to
	prompt bool                      // do waits for nothing: try does it
}

// operations has them all, by opcode.
var operations = [256]operation{
	uring.OpRead:          {try: (*Call).tryTransfer, do: (*Call).doTransfer},
	uring.OpReadv:         {try: (*Call).tryTransfer, do: (*Call).doTransfer},
	uring.OpReadFixed:     {try: (*Call).tryTransfer, do: (*Call).doTransfer},
	uring.OpReadvFixed:    {try: (*Call).tryTransfer, do: (*Call).doTransfer},
	uring.OpReadMultishot: {try: (*Call).tryTransfer, do: (*Call).doTransfer},
	uring.OpWrite:         {try: (*Call).tryTransfer, do: (*Call).doTransfer},
	uring.OpWritev:        {try: (*Call).tryTransfer, do: (*Call).doTransfer},
	uring.OpWriteFixed:    {try: (*Call).tryTransfer, do: (*Call).doTransfer},
	uring.OpWritevFixed:   {try: (*Call).tryTransfer, do: (*Call).doTransfer},

	uring.OpSend:      {try: (*Call).trySocket, do: (*Call).doSocket},
	uring.OpSendZC:    {try: (*Call).trySocket, do: (*Call).doSocket},
	uring.OpSendmsg:   {try: (*Call).trySocket, do: (*Call).doSocket},
	uring.OpSendmsgZC: {try: (*Call).trySocket, do: (*Call).doSocket},
	uring.OpRecv:      {try: (*Call).trySocket, do: (*Call).doSocket},
	uring.OpRecvmsg:   {try: (*Call).trySocket, do: (*Call).doSocket},

	uring.OpSocket:   {do: (*Call).newSocket, prompt: true},
	uring.OpBind:     {try: (*Call).tryBind, do: (*Call).bind},
	uring.OpListen:   {do: (*Call).listen, prompt: true},
	uring.OpAccept:   {try: (*Call).tryAccept, do: (*Call).doAccept},
	uring.OpConnect:  {try: (*Call).tryConnect, do: (*Call).doConnect},
	uring.OpShutdown: {do: (*Call).shutdown, prompt: true},
	uring.OpUringCmd: {do: (*Call).command, prompt: true},

	uring.OpOpenat:  {try: (*Call).tryOpen, do: (*Call).open},
	uring.OpOpenat2: {try: (*Call).tryOpen2, do: (*Call).open2},
	uring.OpClose:   {try: (*Call).tryClose, do: (*Call).close},
	uring.OpPipe:    {do: (*Call).pipe, prompt: true},

	uring.OpStatx:     {do: (*Call).statx},
	uring.OpRenameat:  {do: (*Call).rename},
	uring.OpUnlinkat:  {do: (*Call).unlink},
	uring.OpMkdirat:   {do: (*Call).mkdir},
	uring.OpSymlinkat: {do: (*Call).symlink},
	uring.OpLinkat:    {do: (*Call).link},
	uring.OpGetxattr:  {do: (*Call).getxattr},
	uring.OpSetxattr:  {do: (*Call).setxattr},
	uring.OpFgetxattr: {do: (*Call).fgetxattr},
	uring.OpFsetxattr: {do: (*Call).fsetxattr},

	uring.OpFsync:         {do: (*Call).fsync},
	uring.OpSyncFileRange: {do: (*Call).syncFileRange},
	uring.OpFallocate:     {do: (*Call).fallocate},
	uring.OpFtruncate:     {do: (*Call).ftruncate},
	uring.OpFadvise:       {try: (*Call).tryFadvise, do: (*Call).fadvise},
	uring.OpMadvise:       {do: (*Call).madvise},

	uring.OpSplice: {try: (*Call).trySplice, do: (*Call).doSplice},
	uring.OpTee:    {try: (*Call).trySplice, do: (*Call).doSplice},

	uring.OpEpollCtl:  {do: (*Call).epollCtl, prompt: true},
	uring.OpEpollWait: {try: (*Call).tryEpollWait, do: (*Call).doEpollWait},
	uring.OpWaitid:    {try: (*Call).tryWaitid, do: (*Call).doWaitid},
}
