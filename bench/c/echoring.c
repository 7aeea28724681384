// Echoes what it receives, on io_uring, until its standard input ends: multishot
// accept, multishot receive into provided buffers, sends out of these, one system
// call for all that is there to do: echoring PORT
// With MICROSECONDS it collects messages for at most that time: echoring PORT MICROSECONDS
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFERS = 1024, SIZE = 4096, GROUP = 1, FILES = 1 << 15, ENTRIES = 2048 };
enum { TURN = 256 }; // completions that it waits for, at most
enum { ACCEPT, RECEIVE, SEND, END };

// A message waits behind the one that is being sent on its connection.
struct connection {
	int first, last; // buffers, -1 for none
};

static struct io_uring ring;
static struct io_uring_buf_ring *provided;
static char *buffers;
static int length[BUFFERS], next[BUFFERS];
static struct connection connections[FILES];
static unsigned replies; // begun since it last waited

static uint64_t name(int what, int fd, int buffer)
{
	return (uint64_t)what << 60 | (uint64_t)buffer << 32 | (uint32_t)fd;
}

static struct io_uring_sqe *entry(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	if (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	if (!sqe)
		exit(1);
	return sqe;
}

static void receive(int fd)
{
	struct io_uring_sqe *sqe = entry();
	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	io_uring_sqe_set_data64(sqe, name(RECEIVE, fd, 0));
}

static void reply(int fd, int b)
{
	struct io_uring_sqe *sqe = entry();
	replies++;
	io_uring_prep_send(sqe, fd, buffers + (size_t)b * SIZE, length[b], MSG_WAITALL | MSG_NOSIGNAL);
	io_uring_sqe_set_data64(sqe, name(SEND, fd, b));
}

static void give_back(int b)
{
	io_uring_buf_ring_add(provided, buffers + (size_t)b * SIZE, SIZE, b, BUFFERS - 1, 0);
	io_uring_buf_ring_advance(provided, 1);
}

static void received(int fd, struct io_uring_cqe *cqe)
{
	struct connection *c = &connections[fd];
	if (cqe->res > 0) {
		int b = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
		length[b] = cqe->res;
		next[b] = -1;
		if (c->first >= 0) {
			next[c->last] = b;
		} else {
			c->first = b;
			reply(fd, b);
		}
		c->last = b;
	}
	if (cqe->flags & IORING_CQE_F_MORE)
		return;
	if (cqe->res > 0 || cqe->res == -ENOBUFS)
		receive(fd);
	else if (c->first < 0)
		close(fd); // else its send will fail
}

static void sent(int fd, int b, int res)
{
	struct connection *c = &connections[fd];
	c->first = next[b];
	int whole = res == length[b];
	give_back(b);
	if (!whole)
		shutdown(fd, SHUT_RDWR);
	if (c->first >= 0)
		reply(fd, c->first);
}

static void handle(int accepting, struct io_uring_cqe *cqe)
{
	uint64_t n = cqe->user_data;
	struct io_uring_sqe *sqe;
	switch (n >> 60) {
	case ACCEPT:
		if (cqe->res >= 0 && cqe->res < FILES) {
			connections[cqe->res].first = -1;
			receive(cqe->res);
		}
		if (!(cqe->flags & IORING_CQE_F_MORE)) {
			sqe = entry();
			io_uring_prep_multishot_accept(sqe, accepting, NULL, NULL, 0);
			io_uring_sqe_set_data64(sqe, name(ACCEPT, 0, 0));
		}
		break;
	case RECEIVE:
		received((int)(uint32_t)n, cqe);
		break;
	case SEND:
		sent((int)(uint32_t)n, n >> 32 & 0xffff, cqe->res);
		break;
	case END:
		exit(0);
	}
}

static int listener(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); // accepted ones inherit it
	if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 4096) < 0)
		exit(1);
	return fd;
}

static void provide(void)
{
	size_t ring_size = BUFFERS * sizeof(struct io_uring_buf);
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS, .bgid = GROUP };
	int flags = MAP_ANONYMOUS | MAP_PRIVATE;
	provided = mmap(NULL, ring_size, PROT_READ | PROT_WRITE, flags, -1, 0);
	buffers = mmap(NULL, (size_t)BUFFERS * SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
	reg.ring_addr = (uintptr_t)provided;
	if (provided == MAP_FAILED || buffers == MAP_FAILED || io_uring_register_buf_ring(&ring, &reg, 0) < 0)
		exit(1);
	io_uring_buf_ring_init(provided);
	for (int b = 0; b < BUFFERS; b++)
		give_back(b);
}

// Waits for what the replies yield, which is there at once, and for three quarters of
// the messages of the turn before, the way bench/echoring.go does. In liburing 2.3 what
// is min_wait_usec from 2.8 on has the name pad. Without a timeout the kernel would end
// the wait with ETIME.
static int collect(unsigned microseconds)
{
	static unsigned want;
	struct __kernel_timespec forever = { .tv_sec = 1 << 30 };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&forever };
	unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_REGISTERED_RING;
	if (replies < want || replies * 3 / 4 > want)
		want = replies * 3 / 4;
	unsigned n = replies + want < TURN ? replies + want : TURN;
	replies = 0;
	if (n <= 1)
		return io_uring_submit_and_wait(&ring, 1);
	memcpy((char *)&arg + 12, &microseconds, sizeof microseconds);
	if (io_uring_submit(&ring) < 0)
		return -1;
	int r = io_uring_enter2(ring.enter_ring_fd, 0, n, flags, (sigset_t *)&arg, sizeof arg);
	return r == -EINVAL ? io_uring_submit_and_wait(&ring, 1) : r; // before Linux 6.12
}

int main(int argc, char **argv)
{
	struct io_uring_params p;

	if (argc != 2 && argc != 3)
		return 2;
	unsigned microseconds = argc == 3 ? atoi(argv[2]) : 0;
	int accepting = listener(atoi(argv[1]));
	memset(&p, 0, sizeof p);
	p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
	p.cq_entries = 2 * ENTRIES;
	if (io_uring_queue_init_params(ENTRIES, &ring, &p) < 0)
		return 1;
	io_uring_register_ring_fd(&ring);
	provide();
	struct io_uring_sqe *sqe = entry();
	io_uring_prep_multishot_accept(sqe, accepting, NULL, NULL, 0);
	io_uring_sqe_set_data64(sqe, name(ACCEPT, 0, 0));
	sqe = entry();
	io_uring_prep_poll_add(sqe, 0, POLLIN);
	io_uring_sqe_set_data64(sqe, name(END, 0, 0));
	for (;;) {
		struct io_uring_cqe *cqe;
		unsigned head, seen = 0;
		if ((microseconds ? collect(microseconds) : io_uring_submit_and_wait(&ring, 1)) < 0)
			return 1;
		io_uring_for_each_cqe(&ring, head, cqe) {
			handle(accepting, cqe);
			seen++;
		}
		io_uring_cq_advance(&ring, seen);
	}
}
