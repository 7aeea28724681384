// Submits nops in batches and prints operations per second of CPU: nop BATCH N
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct io_uring ring;
	struct io_uring_params p;
	long done = 0;

	if (argc != 3)
		return 2;
	int batch = atoi(argv[1]);
	long n = atol(argv[2]);
	memset(&p, 0, sizeof p);
	p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	if (io_uring_queue_init_params(256, &ring, &p) < 0)
		return 1;
	io_uring_register_ring_fd(&ring);
	double start = cpu();
	while (done < n) {
		for (int i = 0; i < batch; i++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data64(sqe, i);
		}
		if (io_uring_submit_and_wait(&ring, batch) < 0)
			return 1;
		struct io_uring_cqe *cqe;
		unsigned head, seen = 0;
		io_uring_for_each_cqe(&ring, head, cqe) {
			if (cqe->res < 0)
				return 1;
			seen++;
		}
		io_uring_cq_advance(&ring, seen);
		done += seen;
	}
	printf("%f\n", n / (cpu() - start));
	return 0;
}
