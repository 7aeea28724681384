// Reads N blocks of 4 KiB at random places of FILE, which has BLOCKS that begin
// with their numbers, DEPTH at a time, from a registered file into registered
// buffers, waiting for WANT at a time, and prints reads per second and nanoseconds of
// CPU for a read:
// randread FILE BLOCKS direct|cached DEPTH WANT N
#define _GNU_SOURCE
#include <fcntl.h>
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIZE = 4096 };

static struct io_uring ring;
static char *memory;
static uint64_t state = 88172645463325252ULL, *blocks, count;

static double now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void next(int i)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	blocks[i] = state % count;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read_fixed(sqe, 0, memory + (size_t)i * SIZE, SIZE, blocks[i] * SIZE, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, i);
}

int main(int argc, char **argv)
{
	struct io_uring_params p;
	struct iovec iov;

	if (argc != 7)
		return 2;
	int direct = strcmp(argv[3], "direct") == 0 ? O_DIRECT : 0;
	int fd = open(argv[1], O_RDONLY | direct);
	count = strtoull(argv[2], NULL, 10);
	int depth = atoi(argv[4]);
	long want = atol(argv[5]), n = atol(argv[6]), started = 0, done = 0;
	blocks = calloc(depth, sizeof *blocks);
	iov.iov_len = (size_t)depth * SIZE;
	iov.iov_base = memory = aligned_alloc(SIZE, iov.iov_len);
	memset(memory, 0, iov.iov_len);
	memset(&p, 0, sizeof p);
	p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	if (fd < 0 || io_uring_queue_init_params(256, &ring, &p) < 0)
		return 1;
	io_uring_register_ring_fd(&ring);
	if (io_uring_register_files(&ring, &fd, 1) < 0 || io_uring_register_buffers(&ring, &iov, 1) < 0)
		return 1;
	double start = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	for (; started < depth && started < n; started++)
		next(started);
	while (done < n) {
		struct io_uring_cqe *cqe;
		unsigned head, seen = 0;

		if (io_uring_submit_and_wait(&ring, want < n - done ? want : n - done) < 0)
			return 1;
		io_uring_for_each_cqe(&ring, head, cqe) {
			int i = cqe->user_data;
			uint64_t got;

			memcpy(&got, memory + (size_t)i * SIZE, sizeof got);
			if (cqe->res != SIZE || got != blocks[i])
				return 1;
			seen++;
			if (started < n) {
				started++;
				next(i);
			}
		}
		io_uring_cq_advance(&ring, seen);
		done += seen;
	}
	printf("%f %f\n", n / (now(CLOCK_MONOTONIC) - start), (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e9 / n);
	return 0;
}
