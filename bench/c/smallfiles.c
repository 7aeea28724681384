// Opens, reads and closes N files from DIR/FIRST on (0 unless given), PASSES times, each
// by a chain on a direct descriptor, and prints files per second and nanoseconds of CPU
// for a file: smallfiles DIR N PASSES [FIRST]
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEPTH = 64, SIZE = 4096, READ = 1 << 20, FILESIZE = 1000 };

static char names[DEPTH][64];
static char buffers[DEPTH][SIZE];
static struct io_uring ring;

static double now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void chain(int dir, int slot, long file)
{
	struct io_uring_sqe *sqe;

	snprintf(names[slot], sizeof names[slot], "%ld", file);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_openat_direct(sqe, dir, names[slot], O_RDONLY, 0, slot);
	sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	io_uring_sqe_set_data64(sqe, slot);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, slot, buffers[slot], SIZE, 0);
	// A short read would break a soft link, and suppress the next completion
	// if its own could be skipped.
	sqe->flags |= IOSQE_IO_HARDLINK | IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, READ);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_close_direct(sqe, slot);
	io_uring_sqe_set_data64(sqe, slot);
}

int main(int argc, char **argv)
{
	struct io_uring_params p;
	long next = 0, done = 0;

	if (argc != 4 && argc != 5)
		return 2;
	long first = argc == 5 ? atol(argv[4]) : 0;
	int dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	long files = atol(argv[2]), n = files * atol(argv[3]);
	memset(&p, 0, sizeof p);
	p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	if (dir < 0 || io_uring_queue_init_params(256, &ring, &p) < 0)
		return 1;
	io_uring_register_ring_fd(&ring);
	if (io_uring_register_files_sparse(&ring, DEPTH) < 0)
		return 1;
	double start = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	for (; next < DEPTH && next < n; next++)
		chain(dir, next, first + next % files);
	while (done < n) {
		struct io_uring_cqe *cqe;
		unsigned head, seen = 0;

		if (io_uring_submit_and_wait(&ring, 1) < 0)
			return 1;
		io_uring_for_each_cqe(&ring, head, cqe) {
			if (cqe->res < 0 || (cqe->user_data == READ && cqe->res != FILESIZE))
				return 1;
			seen++;
			if (cqe->user_data == READ)
				continue;
			done++;
			if (next < n)
				chain(dir, cqe->user_data, first + next++ % files);
		}
		io_uring_cq_advance(&ring, seen);
	}
	printf("%f %f\n", n / (now(CLOCK_MONOTONIC) - start), (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e9 / n);
	return 0;
}
