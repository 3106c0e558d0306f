/* SPDX-License-Identifier: Apache-2.0
 *
 * child: vfork (which threads survive, and which copies no page tables), prlimit on the new process, poll for a limited time. What counts
 * is the time that is waited: where we are stopped ourselves, as by ^Z, the child goes on, and what it has printed is read afterwards.
 */
#include "tokenize/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"

#define SLICE_NS 100000000u

static int reap(pid_t pid, bool kill_it)
{
	int st = 0;
	if (kill_it)
		kill(-pid, SIGKILL), kill(pid, SIGKILL);
	while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

/* False if nothing comes from `fd` while *left_ns are waited. A wait that took longer than it was to counts as what it was to take. */
static bool wait_for(int fd, uint64_t *left_ns)
{
	struct pollfd pf = { .fd = fd, .events = POLLIN };
	for (;;) {
		uint64_t most = *left_ns < SLICE_NS ? *left_ns : SLICE_NS, from = io_now_ns();
		int got = poll(&pf, 1, (int)((most + 999999u) / 1000000u));
		uint64_t took = io_now_ns() - from;
		*left_ns -= took < most ? took : most;
		if (got > 0 || (got < 0 && errno != EINTR) || *left_ns == 0)
			return got > 0;
	}
}

/* True if the process ends meanwhile: one that has closed its output may go on. */
static bool ends_within(pid_t pid, uint64_t *left_ns)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool ended = fd < 0 || wait_for(fd, left_ns);
	if (fd >= 0)
		close(fd);
	return ended;
}

static void limit(pid_t pid, const struct child *c)
{
	rlim_t sec = (rlim_t)(c->timeout_ms / 1000 + 1);
	const struct { __rlimit_resource_t what; rlim_t max; } lim[] = {
		{ RLIMIT_CPU, sec }, { RLIMIT_AS, (rlim_t)c->mem_max }, { RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, (rlim_t)c->out_max },
	};
	for (size_t i = 0; i < sizeof lim / sizeof *lim; i++) {
		struct rlimit r = { lim[i].max, lim[i].max };
		prlimit(pid, lim[i].what, &r, NULL);	/* a limit that cannot be set leaves the deadline */
	}
}

/* What the child does between vfork and exec, on its parent's memory: system calls only. Returns errno, if at all. */
static int become(const struct child *c, int out, pid_t parent)
{
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent", NULL };
	sigset_t none;
	sigemptyset(&none);
	int in = c->in >= 0 ? c->in : open("/dev/null", O_RDONLY | O_CLOEXEC);
	int log = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (in < 0 || log < 0)
		return errno;
	setpgid(0, 0);
	/* Killed when this thread ends, so also when the process is killed; that may have happened already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		return ESRCH;
	/* Nothing can be read there, though all can be opened: what its path names are the namespaces of the process. */
	if (c->apart && chdir("/proc/self/ns") < 0)
		return errno;
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(log, 2) < 0)
		return errno;
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvpe(c->argv[0], (char *const *)(uintptr_t)c->argv, (char *const *)(uintptr_t)env);
	return errno;
}

static int start(const struct child *c, int out, pid_t *pid, struct err *e)
{
	volatile int failed = 0;
	pid_t parent = getpid();
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);	/* no handler may run in the child */
	*pid = vfork();
	if (*pid == 0) {
		failed = become(c, out, parent);
		_exit(127);
	}
	int rc = *pid < 0 ? errno : failed;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return 0;
	if (*pid > 0)
		reap(*pid, false);
	errno = rc;
	return err_sys(e, rc == ENOENT ? ERR_NOENT : ERR_IO, "cannot run '%s'", c->argv[0]);
}

static int too_slow(const struct child *c, struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "'%s' took longer than %u ms", c->argv[0], c->timeout_ms);
}

/* Gives what the child prints to fn, until it has closed its output. */
static int read_output(const struct child *c, int fd, uint64_t *left_ns, child_fn fn, void *arg, struct err *e)
{
	char piece[32768];
	uint64_t total = 0;
	for (;;) {
		if (!wait_for(fd, left_ns))
			return too_slow(c, e);
		long n = io_read(fd, piece, sizeof piece);
		if (n < 0)
			return err_sys(e, ERR_IO, "cannot read from '%s'", c->argv[0]);
		if (n == 0)
			return 0;
		total += (uint64_t)n;
		if (total > c->out_max)
			return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "'%s' printed over %llu bytes", c->argv[0],
				       (unsigned long long)c->out_max);
		int rc = fn(arg, piece, (size_t)n, e);
		if (rc < 0)
			return rc;
	}
}

int child_run(const struct child *c, child_fn fn, void *arg, int *status, struct err *e)
{
	int pipe_fd[2];
	pid_t pid;
	uint64_t left_ns = (uint64_t)c->timeout_ms * 1000000u;
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return err_sys(e, ERR_IO, "cannot make a pipe");
	int rc = start(c, pipe_fd[1], &pid, e);
	close(pipe_fd[1]);
	if (rc < 0) {
		close(pipe_fd[0]);
		return rc;
	}
	limit(pid, c);
	rc = read_output(c, pipe_fd[0], &left_ns, fn, arg, e);
	close(pipe_fd[0]);
	if (rc == 0 && !ends_within(pid, &left_ns))
		rc = too_slow(c, e);
	*status = reap(pid, rc < 0);
	return rc;
}

int child_feed(const void *p, size_t n, struct err *e)
{
	int fd = memfd_create("document", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, ERR_IO, "cannot make an anonymous file");
	int rc = io_write(fd, p, n, "anonymous file", e);
	if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
		rc = err_sys(e, ERR_IO, "cannot rewind an anonymous file");
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}
