package main

// waits says what an operation can wait for. A cancel ends such a wait; other
// operations it can only keep from starting.
var waits = map[string]string{
	"CodeRead": "for data", "CodeReadv": "for data", "CodeReadMulti": "for data", "CodeReadFixed": "for data",
	"CodeReadvFixed": "for data", "CodeWrite": "for room", "CodeWritev": "for room", "CodeWriteFixed": "for room",
	"CodeWritevFixed": "for room", "CodeOpen": "for a FIFO's other end", "CodeOpen2": "for a FIFO's other end",
	"CodeAccept": "for a connection", "CodeConnect": "for the peer", "CodeSend": "for room", "CodeSendmsg": "for room",
	"CodeSendZC": "for room", "CodeSendmsgZC": "for room", "CodeRecv": "for data", "CodeRecvmsg": "for data",
	"CodeSplice": "for data and room", "CodeTee": "for data and room", "CodeTimer": "for its time",
	"CodePoll": "for an event", "CodeCall": "as the function does", "CodeFlock": "for other holders",
	"CodeOFDLock": "for other holders", "CodeRecordLock": "for other holders", "CodeMutex": "for the holder",
	"CodeEvent": "for a Set", "CodeFutexWait": "for a wake", "CodeFutexWaitv": "for a wake",
	"CodeSignal": "for a signal", "CodeInbox": "for messages", "CodeChild": "for the child", "CodeEpollWait": "for an event",
}

// methods are those of a Ring that make what no constructor makes a request for.
var methods = map[string][]string{
	"CodePost": {"ring.Ring.Post"}, "CodeInbox": {"ring.Ring.NewInbox"}, "CodeSendDirect": {"ring.Ring.SendDirect"},
}

// notOffered says why flags and commands of the kernel's rings are not offered as they
// are there.
var notOffered = [][3]string{
	{"IOSQE_IO_DRAIN", "5.2", "`Request.WithDrain`, in user space: the kernel's would wait for polls of the Ring's own"},
	{"IOSQE_ASYNC", "5.6", "sends to a worker of the kernel what would have been done at once; package fallback has workers"},
	{"IOSQE_CQE_SKIP_SUCCESS", "5.17", "every request has its completion, which gives its buffers back"},
	{"IOSQE_BUFFER_SELECT", "5.7", "RecvSelect, RecvMulti, RecvBundle, ReadSelect, ReadMulti, RecvmsgMulti"},
	{"RECVSEND_BUNDLE of a send", "6.10", "Sendmsg and SendmsgZC send several buffers at once, as fast, and with none to be registered or added again: [decision 0010](decisions/0010-no-bundles-of-sends.md)"},
	{"SEND_VECTORIZED", "6.17", "Sendmsg takes vectors"},
	{"ACCEPT_DONTWAIT", "6.10", "a poll, or a timeout, says whether there is a connection"},
	{"TIMEOUT_MULTISHOT", "6.4", "periodic timers are kept in user space"},
	{"SOCKET_URING_OP_TX_TIMESTAMP", "6.17", "needs larger completions; Recvmsg with MSG_ERRQUEUE brings time stamps as well"},
}

// aside says why no operation has an opcode of its own.
var aside = map[string]string{
	"TIMEOUT_REMOVE":   "timers are cancelled in user space",
	"ASYNC_CANCEL":     "Ring.Cancel, CancelEach, CancelFD and CancelAll",
	"LINK_TIMEOUT":     "timeouts and deadlines are kept in user space",
	"PROVIDE_BUFFERS":  "superseded by buffer rings",
	"REMOVE_BUFFERS":   "superseded by buffer rings",
	"FILES_UPDATE":     "direct descriptors",
	"MSG_RING":         "between Rings",
	"WAITID":           "children are watched through their pidfds, which leaves them to os/exec",
	"RECV_ZC":          "needs a network queue of its own, and larger completions",
	"NOP128":           "needs larger entries, for tests of the kernel",
	"URING_CMD128":     "needs larger entries, for commands to NVMe drives",
	"READ_FIXED":       "registered buffers",
	"WRITE_FIXED":      "registered buffers",
	"READV_FIXED":      "registered buffers",
	"WRITEV_FIXED":     "registered buffers",
	"READ_MULTISHOT":   "provided buffers",
	"SEND_ZC":          "zero-copy send",
	"SENDMSG_ZC":       "zero-copy send",
	"FIXED_FD_INSTALL": "direct descriptors",
}
