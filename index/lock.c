/* SPDX-License-Identifier: Apache-2.0
 *
 * lock: F_OFD_SETLK cannot wait for a limited time, so waiting is trying again every 50 ms.
 */
#include "index/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/io.h"

static int try_lock(int fd, const char *dir, long wait_s, struct err *e)
{
	uint64_t until = io_now_ns() + (uint64_t)wait_s * 1000000000u;
	for (;;) {
		struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		if (fcntl(fd, F_OFD_SETLK, &l) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_sys(e, ERR_IO, "cannot lock '%s'", dir);
		if (io_now_ns() >= until)
			return err_set(e, ERR_LOCK, ERR_NO_OFFSET, "'%s' is being written by another process", dir);
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
}

int lock_take(int *fd, const char *dir, long wait_s, struct err *e)
{
	struct buf path = {0};
	*fd = -1;
	buf_printf(&path, "%s/lock", dir);
	if (path.failed)
		return err_memory(e);
	int r = 0;
	*fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		r = err_sys(e, errno == EACCES ? ERR_PERM : ERR_CREATE, "cannot open '%s'", path.data);
	else
		r = try_lock(*fd, dir, wait_s, e);
	if (r)
		lock_drop(fd);
	buf_release(&path);
	return r;
}

bool lock_holds(int fd, const char *dir)
{
	struct buf path = {0};
	struct stat ours, there;
	bool holds = !buf_printf(&path, "%s/lock", dir) && !fstat(fd, &ours) && !stat(path.data, &there) &&
		ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
	buf_release(&path);
	return holds;
}

void lock_drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
