// Has SENDER send N signals to this process, reads them from a signalfd, checks
// that each came once, and prints signals per second of CPU:
// signalfd N SIGNAL SENDER VARIABLE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct signalfd_siginfo info[64];
	char order[64];
	sigset_t set;
	int status;

	if (argc != 5)
		return 2;
	long n = atol(argv[1]);
	int sig = atoi(argv[2]);
	char *seen = calloc(n, 1);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0 || !seen)
		return 1;
	snprintf(order, sizeof order, "%d %d %ld", getpid(), sig, n);
	pid_t child = fork();
	if (child < 0)
		return 1;
	if (child == 0) {
		setenv(argv[4], order, 1);
		execl(argv[3], argv[3], (char *)NULL);
		_exit(127);
	}
	double start = cpu();
	for (long done = 0; done < n;) {
		ssize_t size = read(fd, info, sizeof info);
		if (size <= 0)
			return 1;
		for (size_t i = 0; i < size / sizeof info[0]; i++) {
			unsigned long value = info[i].ssi_ptr;
			if (value >= (unsigned long)n || seen[value])
				return 1;
			seen[value] = 1;
			done++;
		}
	}
	printf("%f\n", n / (cpu() - start));
	if (waitpid(child, &status, 0) != child || status != 0)
		return 1;
	return 0;
}
