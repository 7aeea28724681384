// The C side of the tests of package signals: a receiver on sigwaitinfo, a sender,
// and a program that signals itself in the ways a process can.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void take(void)
{
	sigset_t all;
	siginfo_t i;
	sigfillset(&all);
	// glibc's sigwaitinfo would turn SI_TKILL into SI_USER.
	while (syscall(SYS_rt_sigtimedwait, &all, &i, NULL, 8) < 0)
		;
	printf("{\"Signo\":%d,\"Code\":%d,\"Errno\":%d", i.si_signo, i.si_code, i.si_errno);
	if (i.si_code == SI_TIMER)
		printf(",\"Overrun\":%d,\"Value\":%ju", i.si_overrun, (uintmax_t)(uintptr_t)i.si_value.sival_ptr);
	else if (i.si_signo == SIGCHLD && i.si_code > 0)
		printf(",\"Pid\":%d,\"Uid\":%d,\"Status\":%d,\"UserTime\":%ld,\"SystemTime\":%ld",
		       i.si_pid, i.si_uid, i.si_status, i.si_utime, i.si_stime);
	else if (i.si_code > 0 && i.si_code < SI_KERNEL)
		printf(",\"FD\":%d,\"Band\":%ld", i.si_fd, i.si_band);
	else if (i.si_code < 0)
		printf(",\"Pid\":%d,\"Uid\":%d,\"Value\":%ju", i.si_pid, i.si_uid, (uintmax_t)(uintptr_t)i.si_value.sival_ptr);
	else
		printf(",\"Pid\":%d,\"Uid\":%d", i.si_pid, i.si_uid);
	printf("}\n");
	fflush(stdout);
}

static void child(int how)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (how == 0)
			_exit(7);
		if (how == 1)
			kill(getpid(), SIGKILL);
		if (how == 2) {
			kill(getpid(), SIGSTOP);
			_exit(0);
		}
	}
	take();
	if (how == 2)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void self(const char *what)
{
	if (!strcmp(what, "timer")) {
		timer_t t;
		struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 5};
		struct itimerspec s = {.it_value = {0, 1000000}};
		e.sigev_value.sival_ptr = (void *)0x1122334455667788;
		timer_create(CLOCK_MONOTONIC, &e, &t);
		timer_settime(t, 0, &s, NULL);
		take();
	} else if (!strcmp(what, "setsig") || !strcmp(what, "sigio")) {
		int fds[2];
		if (pipe(fds))
			exit(1);
		dup2(fds[0], 100);
		fcntl(100, F_SETFL, O_ASYNC | O_NONBLOCK);
		fcntl(100, F_SETOWN, getpid());
		fcntl(100, F_SETSIG, strcmp(what, "setsig") ? 0 : SIGRTMIN + 6);
		if (write(fds[1], "x", 1) != 1)
			exit(1);
		take();
	} else if (!strcmp(what, "exit")) {
		child(0);
	} else if (!strcmp(what, "killed")) {
		child(1);
	} else if (!strcmp(what, "stopped")) {
		child(2);
	} else if (!strcmp(what, "alarm")) {
		ualarm(1000, 0);
		take();
	}
}

static void sender(char **v)
{
	pid_t pid = atoi(v[2]);
	int sig = atoi(v[3]);
	long n = atol(v[4]), refused = 0;
	for (long i = 0; i < n; i++) {
		union sigval x = {.sival_ptr = (void *)(i | (long)getpid() << 32)};
		while (sigqueue(pid, sig, x) < 0) {
			if (errno != EAGAIN)
				exit(1);
			refused++;
			usleep(100);
		}
	}
	printf("%d %ld\n", getpid(), refused);
}

int main(int c, char **v)
{
	sigset_t all;
	sigfillset(&all);
	if (strcmp(v[1], "send"))
		sigprocmask(SIG_BLOCK, &all, NULL);
	if (!strcmp(v[1], "wait")) {
		printf("%d\n", getpid());
		fflush(stdout);
		for (int i = atoi(v[2]); i > 0; i--)
			take();
	} else if (!strcmp(v[1], "self")) {
		self(v[2]);
	} else if (!strcmp(v[1], "send")) {
		sender(v);
	}
	return 0;
}
