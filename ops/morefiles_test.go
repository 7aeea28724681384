package ops

import (
	"math"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMoreConstructors(t *testing.T) {
	buf := []byte("data")
	addr := UNIX("/s")
	ends := new(PipeEnds)
	for name, c := range map[string]struct{ got, want Request }{
		"unlink":   {Unlink("a"), Request{Code: CodeUnlink, FD: -100, Buf: []byte("a\x00")}},
		"rmdir":    {Rmdir("a"), Request{Code: CodeUnlink, FD: -100, Buf: []byte("a\x00"), Flags: 0x200}},
		"unlinkat": {UnlinkAt(3, "a", 0x200), Request{Code: CodeUnlink, FD: 3, Buf: []byte("a\x00"), Flags: 0x200}},
		"mkdir":    {Mkdir("a", 0o700), Request{Code: CodeMkdir, FD: -100, Buf: []byte("a\x00"), Len: 0o700}},
		"rename": {Rename("a", "bc"), Request{
			Code: CodeRename, FD: -100, FD2: -100, Buf: []byte("a\x00"), Arg: &SecondPath{[]byte("bc\x00")}}},
		"renameat": {RenameAt(3, "a", 4, "bc", 1), Request{
			Code: CodeRename, FD: 3, FD2: 4, Flags: 1, Buf: []byte("a\x00"), Arg: &SecondPath{[]byte("bc\x00")}}},
		"hardlink": {Hardlink("a", "bc"), Request{
			Code: CodeHardlink, FD: -100, FD2: -100, Buf: []byte("a\x00"), Arg: &SecondPath{[]byte("bc\x00")}}},
		"hardlink descriptor": {HardlinkFD(7, 4, "bc"), Request{
			Code: CodeHardlink, FD: -100, FD2: 4, Flags: 0x400, Buf: []byte("/proc/self/fd/7\x00"), Arg: &SecondPath{[]byte("bc\x00")}}},
		"hardlink empty": {HardlinkAt(7, "", 4, "bc", 0x1000), Request{
			Code: CodeHardlink, FD: 7, FD2: 4, Flags: 0x1000, Buf: []byte{0}, Arg: &SecondPath{[]byte("bc\x00")}}},
		"symlink": {Symlink("to", "from"), Request{
			Code: CodeSymlink, FD: -100, Buf: []byte("to\x00"), Arg: &SecondPath{[]byte("from\x00")}}},
		"getxattr": {Getxattr("/f", "user.a", buf), Request{
			Code: CodeGetxattr, FD: -100, Buf: buf, Arg: &Xattr{[]byte("user.a\x00"), []byte("/f\x00")}}},
		"fgetxattr": {Fgetxattr(3, "user.a", nil), Request{Code: CodeFgetxattr, FD: 3, Arg: &Xattr{[]byte("user.a\x00"), nil}}},
		"setxattr": {Setxattr("/f", "user.a", buf, 1), Request{
			Code: CodeSetxattr, FD: -100, Flags: 1, Buf: buf, Arg: &Xattr{[]byte("user.a\x00"), []byte("/f\x00")}}},
		"fsetxattr": {Fsetxattr(3, "user.a", buf, 2), Request{
			Code: CodeFsetxattr, FD: 3, Flags: 2, Buf: buf, Arg: &Xattr{[]byte("user.a\x00"), nil}}},
		"fadvise":     {Fadvise(3, 1, 2, 4), Request{Code: CodeFadvise, FD: 3, Offset: 1, Offset2: 2, Flags: 4}},
		"madvise":     {Madvise(buf, 4), Request{Code: CodeMadvise, FD: -1, Buf: buf, Flags: 4}},
		"sync range":  {SyncFileRange(3, 1, 2, 4), Request{Code: CodeSyncFileRange, FD: 3, Offset: 1, Offset2: 2, Flags: 4}},
		"pipe":        {Pipe(ends, 0), Request{Code: CodePipe, FD: -1, Flags: closeOnExec, Arg: ends}},
		"pipe kept":   {Pipe(ends, 0).Inheritable(), Request{Code: CodePipe, FD: -1, Arg: ends}},
		"bind":        {Bind(3, addr), Request{Code: CodeBind, FD: 3, Arg: addr}},
		"listen":      {Listen(3, 9), Request{Code: CodeListen, FD: 3, Len: 9}},
		"getsockopt":  {Getsockopt(3, 1, 2, buf), Request{Code: CodeGetsockopt, FD: 3, Len: 1, Flags: 2, Buf: buf}},
		"setsockopt":  {Setsockopt(3, 1, 2, buf), Request{Code: CodeSetsockopt, FD: 3, Len: 1, Flags: 2, Buf: buf}},
		"inq":         {SocketInq(3), Request{Code: CodeSocketInq, FD: 3}},
		"outq":        {SocketOutq(3), Request{Code: CodeSocketOutq, FD: 3}},
		"socket name": {SocketName(3, addr), Request{Code: CodeSocketName, FD: 3, Arg: addr}},
		"peer name":   {PeerName(3, addr), Request{Code: CodeSocketName, FD: 3, Flags: 1, Arg: addr}},
		"install":     {Install(DirectAt(3)), Request{Code: CodeInstall, FD: math.MinInt32 + 3, Flags: closeOnExec}},
		"send to":     {SendTo(3, buf, 1, addr), Request{Code: CodeSend, FD: 3, Flags: 1, Buf: buf, Arg: addr}},
	} {
		assert.Equal(t, c.want, c.got, name)
		assert.NoError(t, c.got.Validate(), name)
	}
	assert.Equal(t, []byte{5, 0, 0, 0}, swapped(SetsockoptInt(3, 1, 2, 5).Buf))
}

// swapped returns the bytes of an int in little-endian order.
func swapped(b []byte) []byte {
	if b[0] == 0 {
		b[0], b[3] = b[3], b[0]
	}
	return b
}

func TestMoreRefusals(t *testing.T) {
	long := strings.Repeat("x", 4096)
	for name, c := range map[string]struct {
		req  Request
		text string
	}{
		"unlink":             {Unlink(""), "unlinkat: invalid request: the path is empty"},
		"rmdir":              {Rmdir("a\x00"), "NUL"},
		"mkdir":              {Mkdir(long, 0), "longer than 4095"},
		"rename from":        {Rename("", "b"), "renameat2: invalid request: the path is empty"},
		"rename to":          {Rename("a", ""), "the path is empty"},
		"rename to NUL":      {Rename("a", "\x00"), "NUL"},
		"hardlink":           {Hardlink("", "b"), "linkat: invalid request: the path is empty"},
		"hardlink to":        {HardlinkAt(3, "", 4, "", 0x1000), "the path is empty"},
		"symlink":            {Symlink("", "b"), "symlinkat: invalid request: the path is empty"},
		"getxattr path":      {Getxattr("", "user.a", nil), "the path is empty"},
		"getxattr name":      {Getxattr("a", "", nil), "attribute name of 0 bytes"},
		"setxattr name":      {Setxattr("a", strings.Repeat("n", 256), nil, 0), "attribute name of 256 bytes"},
		"fsetxattr name":     {Fsetxattr(3, "a\x00b", nil, 0), "no NUL"},
		"fadvise offset":     {Fadvise(3, -1, 0, 0), "offset -1, length 0"},
		"fadvise length":     {Fadvise(3, 0, -1, 0), "offset 0, length -1"},
		"sync range":         {SyncFileRange(3, -1, 0, 0), "offset -1"},
		"sync range too far": {SyncFileRange(3, 0, math.MaxUint32+1, 0), "4 GiB - 1"},
		"pipe":               {Pipe(nil, 0), "no PipeEnds"},
		"bind":               {Bind(3, nil), "bind: invalid request: no address"},
		"bind nothing":       {Bind(3, new(Sockaddr)), "address of 0 bytes"},
		"socket name":        {SocketName(3, nil), "no Sockaddr"},
		"peer name":          {PeerName(3, nil), "no Sockaddr"},
		"install":            {Install(Direct{}), "no direct descriptor"},
		"send to nobody":     {SendTo(3, nil, 0, nil), "no address"},
		"send to nothing":    {SendTo(3, nil, 0, new(Sockaddr)), "address of 0 bytes"},
		"poll first":         {Unlink("a").WithPollFirst(), "mode 0x4"},
		"inherit":            {Unlink("a").Inheritable(), "makes no descriptor"},
	} {
		err := c.req.Validate()
		require.Error(t, err, name)
		assert.ErrorIs(t, err, ErrInvalid, name)
		assert.ErrorIs(t, err, syscall.EINVAL, name)
		assert.ErrorContains(t, err, c.text, name)
	}
}

func TestValidateMoreHandmade(t *testing.T) {
	path := []byte("a\x00")
	for name, r := range map[string]Request{
		"rename without":    {Code: CodeRename, Buf: path},
		"rename nil":        {Code: CodeRename, Buf: path, Arg: (*SecondPath)(nil)},
		"rename empty":      {Code: CodeRename, Buf: path, Arg: new(SecondPath)},
		"rename first":      {Code: CodeRename, Buf: []byte{0}, Arg: &SecondPath{path}},
		"hardlink first":    {Code: CodeHardlink, Buf: []byte{0}, Arg: &SecondPath{path}},
		"unlink":            {Code: CodeUnlink, Buf: []byte("a")},
		"mkdir":             {Code: CodeMkdir},
		"getxattr without":  {Code: CodeGetxattr},
		"getxattr nil":      {Code: CodeGetxattr, Arg: (*Xattr)(nil)},
		"getxattr no path":  {Code: CodeGetxattr, Arg: &Xattr{path, nil}},
		"fgetxattr path":    {Code: CodeFgetxattr, Arg: &Xattr{path, path}},
		"getxattr flags":    {Code: CodeGetxattr, Arg: &Xattr{path, path}, Flags: 1},
		"pipe without":      {Code: CodePipe},
		"pipe nil":          {Code: CodePipe, Arg: (*PipeEnds)(nil)},
		"bind without":      {Code: CodeBind},
		"bind other":        {Code: CodeBind, Arg: 7},
		"send other":        {Code: CodeSend, Arg: 7},
		"send nil":          {Code: CodeSend, Arg: (*Sockaddr)(nil)},
		"socket name":       {Code: CodeSocketName},
		"socket name nil":   {Code: CodeSocketName, Arg: (*Sockaddr)(nil)},
		"install multishot": {Code: CodeInstall, FD: math.MinInt32, Mode: Multishot},
		"install ordinary":  {Code: CodeInstall, FD: 3},
	} {
		assert.ErrorIs(t, r.Validate(), ErrInvalid, name)
	}
}

func TestDescribeMore(t *testing.T) {
	for want, r := range map[string]Request{
		"a -> b":         Rename("a", "b"),
		"to -> from":     Symlink("to", "from"),
		"a":              Rmdir("a"),
		"user.x of /a":   Getxattr("/a", "user.x", nil),
		"fd 3":           Fgetxattr(3, "user.x", nil),
		"/s":             Bind(3, UNIX("/s")),
		"":               Pipe(new(PipeEnds), 0),
		"user.y of /a/b": Setxattr("/a/b", "user.y", nil, 0),
	} {
		assert.Equal(t, want, r.Describe())
	}
	assert.Equal(t, "user.x", Fgetxattr(3, "user.x", nil).Arg.(*Xattr).String())
	assert.Empty(t, (*Xattr)(nil).String())
	assert.Empty(t, (*SecondPath)(nil).String())
}

func TestPipeOfCompletion(t *testing.T) {
	c := Completion{Code: CodePipe, Arg: &PipeEnds{[2]int32{8, 9}}}
	r, w := c.Pipe()
	assert.Equal(t, [2]int{8, 9}, [2]int{r, w})
	assert.Equal(t, -1, c.FD())
	for _, c := range []Completion{
		{Code: CodePipe, Res: -24, Arg: &PipeEnds{[2]int32{8, 9}}}, {Code: CodeNop}, {Code: CodePipe},
	} {
		r, w := c.Pipe()
		assert.Equal(t, [2]int{-1, -1}, [2]int{r, w})
	}
}

func TestNoAllocationsMore(t *testing.T) {
	var r Request
	buf, ends, addr := make([]byte, 8), new(PipeEnds), UNIX("@to")
	for name, f := range map[string]func(){
		"pipe":       func() { r = Pipe(ends, 0) },
		"send to":    func() { r = SendTo(3, buf, 0, addr) },
		"fadvise":    func() { r = Fadvise(3, 0, 0, 0) },
		"getsockopt": func() { r = Getsockopt(3, 1, 2, buf) },
		"inq":        func() { r = SocketInq(3) },
		"install":    func() { r = Install(DirectAt(3)).Inheritable() },
	} {
		var err error
		assert.Zero(t, testing.AllocsPerRun(10, func() { f(); err = r.Validate() }), name)
		assert.NoError(t, err, name)
	}
	rename := Rename("a", "b")
	assert.Zero(t, testing.AllocsPerRun(10, func() { _ = rename.Validate() }))
}
