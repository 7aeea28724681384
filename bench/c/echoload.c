// Keeps one request in flight on each of CONNECTIONS to an echo server on PORT of
// the loopback, from CPU (-1 for any), for WARM and then RUN milliseconds. Compares
// every reply with its request. Prints of the RUN: requests, seconds, the 50th and
// 99th percentile of the latency in nanoseconds, and the nanoseconds of processor
// time that process SERVER has used:
// echoload PORT CONNECTIONS SIZE WARM RUN SERVER CPU
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST = 1 << 16, FINE = 5, BUCKETS = 64 << FINE, PATIENCE = 5000 };

struct connection {
	int fd;
	uint32_t count;
	size_t got;
	int64_t sent;
};

static int size;
static unsigned char pattern[LARGEST + 256], request[LARGEST], reply[LARGEST];
static long latencies[BUCKETS];

static int64_t now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "echoload: %s: %s\n", what, strerror(errno));
	exit(1);
}

// Each power of two has 1 << FINE buckets, of which the smallest ones share some.
static int bucket(int64_t ns)
{
	uint64_t v = ns < 1 << FINE ? 1 << FINE : ns;
	int power = 63 - __builtin_clzll(v);
	return (power << FINE) + (int)(v >> (power - FINE)) - (1 << FINE);
}

static double percentile(double p, long requests)
{
	long left = (long)(requests * p);
	for (int i = 0; i < BUCKETS; i++) {
		left -= latencies[i];
		if (left < 0)
			return ((uint64_t)(1 << FINE) + i % (1 << FINE)) * 1.0 * ((uint64_t)1 << ((i >> FINE) - FINE));
	}
	return 0;
}

// The content differs from request to request, and between connections.
static const unsigned char *content(const struct connection *c, int i)
{
	uint32_t head[2] = { i, c->count };
	memcpy(request, pattern + (c->count + i) % 251, size);
	memcpy(request, head, sizeof head);
	return request;
}

static void ask(struct connection *c, int i)
{
	c->count++;
	c->got = 0;
	c->sent = now(CLOCK_MONOTONIC);
	if (send(c->fd, content(c, i), size, MSG_NOSIGNAL) != size)
		fail("send");
}

static void dial(struct connection *c, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, tries = 0;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (;;) {
		c->fd = socket(AF_INET, SOCK_STREAM, 0);
		if (c->fd < 0)
			fail("socket");
		if (connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0)
			break;
		if (errno != ECONNREFUSED || ++tries > PATIENCE)
			fail("connect");
		close(c->fd);
		usleep(1000); // the server is starting
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

int main(int argc, char **argv)
{
	struct epoll_event events[256];
	clockid_t server;
	cpu_set_t cpus;

	if (argc != 8)
		return 2;
	int port = atoi(argv[1]), n = atoi(argv[2]), cpu = atoi(argv[7]);
	size = atoi(argv[3]);
	if (size < 8 || size > LARGEST)
		return 2;
	for (int i = 0; i < (int)sizeof pattern; i++)
		pattern[i] = i * 7 + i / 256;
	if (clock_getcpuclockid(atoi(argv[6]), &server) != 0)
		fail("no such server");
	CPU_ZERO(&cpus);
	if (cpu >= 0) {
		CPU_SET(cpu, &cpus);
		sched_setaffinity(0, sizeof cpus, &cpus);
	}
	struct connection *all = calloc(n, sizeof *all);
	int ep = epoll_create1(0);
	if (ep < 0 || !all)
		fail("epoll");
	for (int i = 0; i < n; i++) {
		dial(&all[i], port);
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };
		if (epoll_ctl(ep, EPOLL_CTL_ADD, all[i].fd, &e) < 0)
			fail("epoll_ctl");
	}
	for (int i = 0; i < n; i++)
		ask(&all[i], i);
	int64_t begin = now(CLOCK_MONOTONIC) + atol(argv[4]) * 1000000;
	int64_t end = begin + atol(argv[5]) * 1000000, t, idle = now(CLOCK_MONOTONIC);
	int64_t used = 0;
	long requests = 0;
	int running = 0;
	// With a processor to itself it does not sleep: waking it would otherwise be
	// part of what the server does.
	while ((t = now(CLOCK_MONOTONIC)) < end || requests == 0) {
		if (!running && t >= begin) {
			running = 1, begin = t, used = now(server);
		}
		int ready = epoll_wait(ep, events, 256, cpu < 0 ? 100 : 0);
		if (ready > 0)
			idle = t;
		else if (t - idle > PATIENCE * 1000000LL)
			fail("no reply");
		for (int k = 0; k < ready; k++) {
			int i = events[k].data.u32;
			struct connection *c = &all[i];
			ssize_t r = recv(c->fd, reply + c->got, size - c->got, 0);
			if (r <= 0)
				fail("recv");
			if (memcmp(reply + c->got, content(c, i) + c->got, r) != 0) {
				fprintf(stderr, "echoload: a reply differs from its request\n");
				return 1;
			}
			c->got += r;
			if (c->got < (size_t)size)
				continue;
			if (running) {
				latencies[bucket(now(CLOCK_MONOTONIC) - c->sent)]++;
				requests++;
			}
			ask(c, i);
		}
	}
	used = now(server) - used;
	printf("%ld %f %f %f %lld\n", requests, (t - begin) / 1e9, percentile(0.5, requests),
	       percentile(0.99, requests), (long long)used);
	return 0;
}
