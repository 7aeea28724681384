// Has N requests pending on io_uring that wait for sockets (receive) or eventfds
// (poll), several on each. The first ACTIVE ones have a descriptor of their own.
//
//	pending KIND N DESCRIPTORS         says when it begins to wait, and again when
//	                                   all are pending, each on a line read
//	pending KIND N DESCRIPTORS EVENTS  lets the active ones complete, EVENTS in all,
//	                                   submits them again, and prints nanoseconds of
//	                                   processor time for one
#include <liburing.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ACTIVE = 10, ENTRIES = 256 };

static struct io_uring ring;
static int receives;
static int (*fds)[2]; // what is waited for, and what ends the wait
static char byte;

static double cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void step(const char *what)
{
	puts(what);
	fflush(stdout);
	if (getchar() == EOF)
		exit(0);
}

static void request(int fd, uint64_t name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	if (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	if (receives)
		io_uring_prep_recv(sqe, fd, &byte, 1, 0);
	else
		io_uring_prep_poll_add(sqe, fd, POLLIN);
	io_uring_sqe_set_data64(sqe, name);
}

static void happen(int i)
{
	uint64_t one = 1;
	if (write(fds[i][1], &one, receives ? 1 : 8) != (receives ? 1 : 8))
		exit(1);
}

static void events(long n)
{
	for (long done = 0; done < n; done += ACTIVE) {
		struct io_uring_cqe *cqe;
		unsigned head, got = 0;
		uint64_t count;
		for (int i = 0; i < ACTIVE; i++)
			happen(i);
		while (got < ACTIVE) {
			unsigned seen = 0;
			if (io_uring_submit_and_wait(&ring, ACTIVE - got) < 0)
				exit(1);
			io_uring_for_each_cqe(&ring, head, cqe) {
				uint64_t i = cqe->user_data;
				if (cqe->res <= 0 || i >= ACTIVE)
					exit(1);
				if (!receives && read(fds[i][0], &count, 8) != 8)
					exit(1);
				request(fds[i][0], i);
				seen++;
			}
			io_uring_cq_advance(&ring, seen);
			got += seen;
		}
	}
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	struct io_uring_params p;

	if (argc < 4)
		return 2;
	receives = strcmp(argv[1], "receive") == 0;
	long n = atol(argv[2]);
	int some = atoi(argv[3]);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	fds = calloc(some, sizeof *fds);
	for (int i = 0; i < some; i++) {
		if (receives && socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]) < 0)
			return 1;
		if (!receives && (fds[i][0] = fds[i][1] = eventfd(0, 0)) < 0)
			return 1;
	}
	memset(&p, 0, sizeof p);
	p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	if (io_uring_queue_init_params(ENTRIES, &ring, &p) < 0)
		return 1;
	io_uring_register_ring_fd(&ring);
	if (argc == 4)
		step("ready");
	for (long i = 0; i < n; i++) {
		int at = i < ACTIVE || some <= ACTIVE ? i % some : ACTIVE + (i - ACTIVE) % (some - ACTIVE);
		request(fds[at][0], i);
	}
	io_uring_submit(&ring);
	if (argc == 4) {
		step("armed");
		return 0;
	}
	long count = atol(argv[4]);
	events(count / 10 + ACTIVE); // the first ones are not counted
	double before = cpu();
	events(count);
	printf("%f\n", (cpu() - before) / ((count + ACTIVE - 1) / ACTIVE * ACTIVE));
	fflush(stdout);
	_exit(0);
}
