// A TCP proxy on edge-triggered epoll, with splice through pipes of 1 MiB, until
// its standard input ends: splice PORT TARGETPORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPE = 1 << 20 };

struct flow {
	int from, to, in, out; // sockets, and the two ends of the pipe
	size_t held;
	int ended;
};

// side is one of the two sockets of a connection.
struct side {
	int fd;
	struct side *other;
	struct flow flow; // what comes from fd
};

static int ep;

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static void drop(struct side *s)
{
	struct side *o = s->other;
	close(s->fd), close(s->flow.in), close(s->flow.out);
	close(o->fd), close(o->flow.in), close(o->flow.out);
	s->fd = o->fd = -1; // not freed: a later event of the same batch may name it
}

// Moves what there is; returns -1 when the connection is broken.
static int pump(struct flow *f)
{
	for (;;) {
		ssize_t n;
		if (f->held == 0) {
			if (f->ended)
				return 0;
			n = splice(f->from, NULL, f->in, NULL, PIPE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
			if (n < 0)
				return errno == EAGAIN ? 0 : -1;
			if (n == 0) {
				f->ended = 1;
				return shutdown(f->to, SHUT_WR);
			}
			f->held = n;
		}
		n = splice(f->out, NULL, f->to, NULL, f->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n <= 0)
			return n < 0 && errno == EAGAIN ? 0 : -1;
		f->held -= n;
	}
}

static void watch(struct side *s)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = s };
	int one = 1;
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &e) < 0)
		exit(1);
}

static void open_flow(struct flow *f, int from, int to)
{
	int p[2];
	if (pipe2(p, O_NONBLOCK) < 0)
		exit(1);
	fcntl(p[1], F_SETPIPE_SZ, PIPE);
	f->from = from, f->to = to, f->out = p[0], f->in = p[1];
}

static void join(int client, int target)
{
	struct side *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
	if (!a || !b)
		exit(1);
	a->fd = client, b->fd = target;
	a->other = b, b->other = a;
	open_flow(&a->flow, client, target);
	open_flow(&b->flow, target, client);
	watch(a);
	watch(b);
}

static void handle(struct side *s, unsigned events)
{
	if (s->fd < 0)
		return;
	int bad = 0;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		bad = pump(&s->flow);
	if (!bad && events & EPOLLOUT)
		bad = pump(&s->other->flow);
	if (bad || (s->flow.ended && s->other->flow.ended))
		drop(s);
}

int main(int argc, char **argv)
{
	struct epoll_event events[256];
	int one = 1, fd;

	if (argc != 3)
		return 2;
	struct sockaddr_in at = loopback(atoi(argv[1])), to = loopback(atoi(argv[2]));
	int accepting = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(accepting, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(accepting, (struct sockaddr *)&at, sizeof at) < 0 || listen(accepting, 1024) < 0)
		return 1;
	ep = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN };
	static char end;
	epoll_ctl(ep, EPOLL_CTL_ADD, accepting, &e);
	e.data.ptr = &end;
	epoll_ctl(ep, EPOLL_CTL_ADD, 0, &e);
	for (;;) {
		int n = epoll_wait(ep, events, 256, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &end)
				return 0;
			if (events[i].data.ptr) {
				handle(events[i].data.ptr, events[i].events);
				continue;
			}
			while ((fd = accept4(accepting, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
				int target = socket(AF_INET, SOCK_STREAM, 0);
				if (connect(target, (struct sockaddr *)&to, sizeof to) < 0)
					return 1;
				fcntl(target, F_SETFL, O_NONBLOCK);
				join(fd, target);
			}
		}
	}
}
