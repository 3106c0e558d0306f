/* SPDX-License-Identifier: Apache-2.0
 *
 * child: posix_spawn (a vfork that threads survive), prlimit on the new process, poll with a deadline.
 */
#include "tokenize/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"

static int reap(pid_t pid, int kill_it)
{
	int st = 0;
	if (kill_it)
		kill(-pid, SIGKILL), kill(pid, SIGKILL);
	while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
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

static int start(const struct child *c, int out, pid_t *pid, struct err *e)
{
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent", NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, dfl;
	sigemptyset(&none);
	sigemptyset(&dfl);
	sigaddset(&dfl, SIGPIPE);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&at);
	posix_spawnattr_setflags(&at, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&at, 0);
	posix_spawnattr_setsigmask(&at, &none);
	posix_spawnattr_setsigdefault(&at, &dfl);
	if (c->in >= 0)
		posix_spawn_file_actions_adddup2(&fa, c->in, 0);
	else
		posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	int rc = posix_spawnp(pid, c->argv[0], &fa, &at, (char *const *)(uintptr_t)c->argv, (char *const *)(uintptr_t)env);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	if (rc == 0)
		return 0;
	errno = rc;
	return err_sys(e, rc == ENOENT ? ERR_NOENT : ERR_IO, "cannot run '%s'", c->argv[0]);
}

int child_run(const struct child *c, child_fn fn, void *arg, int *status, struct err *e)
{
	int pipe_fd[2], rc = 0;
	char piece[32768];
	pid_t pid;
	uint64_t total = 0, end = io_now_ns() + (uint64_t)c->timeout_ms * 1000000u;
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return err_sys(e, ERR_IO, "cannot make a pipe");
	rc = start(c, pipe_fd[1], &pid, e);
	close(pipe_fd[1]);
	if (rc < 0) {
		close(pipe_fd[0]);
		return rc;
	}
	limit(pid, c);
	for (;;) {
		uint64_t now = io_now_ns();
		struct pollfd pf = { .fd = pipe_fd[0], .events = POLLIN };
		int left = now < end ? (int)((end - now) / 1000000u) + 1 : 0;
		int got = left > 0 ? poll(&pf, 1, left) : 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			rc = err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "'%s' took longer than %u ms", c->argv[0], c->timeout_ms);
			break;
		}
		long n = io_read(pipe_fd[0], piece, sizeof piece);
		if (n == 0)
			break;
		if (n < 0) {
			rc = err_sys(e, ERR_IO, "cannot read from '%s'", c->argv[0]);
			break;
		}
		total += (uint64_t)n;
		if (total > c->out_max) {
			rc = err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "'%s' printed over %llu bytes", c->argv[0],
				     (unsigned long long)c->out_max);
			break;
		}
		rc = fn(arg, piece, (size_t)n, e);
		if (rc < 0)
			break;
	}
	close(pipe_fd[0]);
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
