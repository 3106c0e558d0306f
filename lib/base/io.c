/* SPDX-License-Identifier: Apache-2.0
 *
 * io: system calls for files, and the one replace protocol. See io.h.
 */
#include "lib/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t ns_of(struct timespec t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t io_now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return ns_of(t);
}

/* Only what is not there is ERR_NOENT: a caller may make anew what it is told is not there. */
static int cannot_open(const char *path, struct err *e)
{
	bool absent = errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG;
	return err_sys(e, absent ? ERR_NOENT : errno == EACCES ? ERR_PERM : ERR_IO, "cannot open '%s'", path);
}

int io_open(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? cannot_open(path, e) : fd;
}

int map_open(struct map *m, const char *path, struct err *e)
{
	*m = (struct map){0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return cannot_open(path, e);
	struct stat st;
	int r = 0;
	if (fstat(fd, &st)) {
		r = err_sys(e, ERR_IO, "cannot stat '%s'", path);
	} else if (!S_ISREG(st.st_mode)) {
		r = err_set(e, ERR_NOENT, ERR_NO_OFFSET, "cannot open '%s': not a regular file", path);
	} else if (st.st_size > 0) {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			r = err_sys(e, ERR_MEM, "cannot map '%s'", path);
		else
			m->data = p;
	}
	if (!r) {
		m->len = (size_t)st.st_size;
		m->dev = (uint64_t)st.st_dev;
		m->ino = (uint64_t)st.st_ino;
		m->mtime_ns = ns_of(st.st_mtim);
		m->ctime_ns = ns_of(st.st_ctim);
	}
	close(fd);
	return r;
}

void map_close(struct map *m)
{
	if (m->data)
		munmap((void *)(uintptr_t)m->data, m->len);
	*m = (struct map){0};
}

void map_want_large(const struct map *m)
{
#ifdef MADV_HUGEPAGE
	if (m->data)
		(void)madvise((void *)(uintptr_t)m->data, m->len, MADV_HUGEPAGE);
#else
	(void)m;
#endif
}

void map_populate(const struct map *m)
{
#ifdef MADV_POPULATE_READ
	long n = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	if (m->data && n > 0 && page > 0 && m->len / (size_t)page < (size_t)n / 2)
		(void)madvise((void *)(uintptr_t)m->data, m->len, MADV_POPULATE_READ);
#else
	(void)m;
#endif
}

long io_read(int fd, void *p, size_t n)
{
	ssize_t got;
	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

int io_read_fd(struct buf *b, int fd, const char *name, size_t max, struct err *e)
{
	size_t start = b->len;
	for (;;) {
		if (buf_reserve(b, 65536))
			return err_set(e, ERR_MEM, ERR_NO_OFFSET, "out of memory reading '%s'", name);
		long got = io_read(fd, b->data + b->len, b->cap - b->len - 1);
		if (got < 0)
			return err_sys(e, ERR_IO, "cannot read '%s'", name);
		if (got == 0)
			break;
		b->len += (size_t)got;
		if (b->len - start > max)
			return err_set(e, ERR_LIMIT, max, "'%s' is longer than %zu bytes", name, max);
	}
	b->data[b->len] = '\0';
	return 0;
}

int io_read_file(struct buf *b, const char *path, size_t max, struct err *e)
{
	int fd = io_open(path, e);
	if (fd < 0)
		return fd;
	int r = io_read_fd(b, fd, path, max, e);
	close(fd);
	return r;
}

int io_write(int fd, const void *p, size_t n, const char *name, struct err *e)
{
	const char *c = p;
	while (n) {
		ssize_t put = write(fd, c, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_sys(e, ERR_IO, "cannot write '%s'", name);
		c += put;
		n -= (size_t)put;
	}
	return 0;
}

int io_flush_stdout(struct err *e)
{
	return fflush(stdout) || ferror(stdout) ? err_sys(e, ERR_IO, "cannot write to standard output") : 0;
}

const char *io_next_name(DIR *d, const char *path, int *r, struct err *e)
{
	errno = 0;
	const struct dirent *x = d && !*r ? readdir(d) : NULL;
	if (!x && errno)
		*r = err_sys(e, ERR_IO, "cannot read '%s'", path);
	return x ? x->d_name : NULL;
}

/* Locks the file for as long as it is written: io_sweep takes one without a lock for a dead writer's. False if that has happened to this
 * one, before it had its lock. Where there are no locks, nothing is swept. */
static bool claim(int fd)
{
	struct stat st;
	return (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && fstat(fd, &st) == 0 && st.st_nlink > 0;
}

/* As mkostemp, claimed. */
static int open_claimed(char *tmp)
{
	for (;;) {
		int fd = mkostemp(tmp, O_CLOEXEC);
		if (fd < 0 || claim(fd))
			return fd;
		unlink(tmp);
		close(fd);
		memset(tmp + strlen(tmp) - 6, 'X', 6);
	}
}

void io_sweep(const char *dir)
{
	DIR *d = opendir(dir);
	int r = 0;
	for (const char *name; (name = io_next_name(d, dir, &r, NULL)); ) {
		size_t n = strlen(name);
		bool is_aside = n > 11 && memcmp(name + n - 11, ".tmp.", 5) == 0;
		int fd = is_aside ? openat(dirfd(d), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dirfd(d), name, 0);
		close(fd);
	}
	if (d)
		closedir(d);
}

int aside_open(struct aside *a, const char *path, unsigned mode, struct err *e)
{
	*a = (struct aside){ .fd = -1 };
	if (asprintf(&a->tmp, "%s.tmp.XXXXXX", path) < 0) {
		a->tmp = NULL;
		return err_memory(e);
	}
	a->path = strdup(path);
	a->fd = a->path ? open_claimed(a->tmp) : -1;
	if (a->fd < 0 || fchmod(a->fd, mode)) {
		int r = a->path ? err_sys(e, ERR_CREATE, "cannot create '%s'", a->tmp) : err_memory(e);
		if (a->fd < 0) {
			free(a->tmp);	/* nothing on disk to remove */
			a->tmp = NULL;
		}
		aside_abort(a);
		return r;
	}
	return 0;
}

void aside_abort(struct aside *a)
{
	if (a->fd > 0)
		close(a->fd);
	if (a->tmp)
		unlink(a->tmp);
	free(a->tmp);
	free(a->path);
	*a = (struct aside){ .fd = -1 };
}

static int fsync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, ERR_IO, "cannot open directory '%s'", path);
	int r = fsync(fd) ? err_sys(e, ERR_IO, "cannot fsync directory '%s'", path) : 0;
	close(fd);
	return r;
}

/* The directory part of `path`, to be freed: "a/b" -> "a", "b" -> ".", "/b" -> "/". */
static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* `gone` is the error where there is no such file, or directory, any more. */
static int move_in_place(struct aside *a, int gone, struct err *e)
{
	if (rename(a->tmp, a->path))
		return err_sys(e, errno == ENOENT ? gone : ERR_CREATE, "cannot rename '%s' to '%s'", a->tmp, a->path);
	free(a->tmp);		/* the name is gone; abort must not unlink it */
	a->tmp = NULL;
	return 0;
}

int aside_commit(struct aside *a, struct err *e)
{
	char *dir = dir_of(a->path);
	int r = 0;
	if (!dir)
		r = err_memory(e);
	else if (fsync(a->fd))
		r = err_sys(e, ERR_IO, "cannot fsync '%s'", a->tmp);
	if (!r)
		r = move_in_place(a, ERR_CREATE, e);
	if (!r)
		r = fsync_dir(dir, e);
	free(dir);
	aside_abort(a);
	return r;
}

int aside_publish(struct aside *a, struct err *e)
{
	int r = move_in_place(a, ERR_NOENT, e);
	aside_abort(a);
	return r;
}

int io_replace(const char *path, const void *p, size_t n, unsigned mode, struct err *e)
{
	struct aside a;
	int r = aside_open(&a, path, mode, e);
	if (r)
		return r;
	r = io_write(a.fd, p, n, a.tmp, e);
	if (r)
		aside_abort(&a);
	else
		r = aside_commit(&a, e);
	return r;
}

static int fsync_parent(const char *path, struct err *e)
{
	char *dir = dir_of(path);
	int r = dir ? fsync_dir(dir, e) : err_memory(e);
	free(dir);
	return r;
}

int io_mkdirs(const char *path, struct err *e)
{
	char *copy = strdup(path);
	if (!copy)
		return err_memory(e);
	int r = 0;
	for (char *c = copy + (*copy == '/'); !r; c++) {
		if (*c != '/' && *c != '\0')
			continue;
		char was = *c;
		*c = '\0';
		if (*copy && mkdir(copy, 0700) == 0)
			r = fsync_parent(copy, e);
		else if (*copy && errno != EEXIST)
			r = err_sys(e, ERR_CREATE, "cannot create directory '%s'", copy);
		*c = was;
		if (was == '\0')
			break;
	}
	free(copy);
	return r;
}

int io_dir(struct buf *out, enum io_dir which, const char *sub, struct err *e)
{
	static const struct { const char *env, *home; } dirs[] = {
		[IO_DIR_CONFIG] = { "XDG_CONFIG_HOME", "/.config" },
		[IO_DIR_DATA] = { "XDG_DATA_HOME", "/.local/share" },
		[IO_DIR_CACHE] = { "XDG_CACHE_HOME", "/.cache" },
	};
	const char *base = getenv(dirs[which].env), *home = getenv("HOME");
	buf_clear(out);
	if (base && *base == '/')	/* the XDG specification: relative paths are ignored */
		buf_puts(out, base);
	else if (home && *home)
		buf_printf(out, "%s%s", home, dirs[which].home);
	else
		return err_set(e, ERR_CONF, ERR_NO_OFFSET, "neither %s nor HOME is set", dirs[which].env);
	buf_puts(out, "/tiny-titans");
	if (sub && *sub)
		buf_printf(out, "/%s", sub);
	return out->failed ? err_memory(e) : 0;
}

int io_cache_dir(struct buf *out, const char *sub, struct err *e)
{
	int r = io_dir(out, IO_DIR_CACHE, sub, e);
	if (!r)
		r = io_mkdirs(out->data, e);
	if (!r)
		io_sweep(out->data);
	return r;
}

int io_beside(struct buf *out, const char *own, const char *other, struct err *e)
{
	char exe[4096];
	ssize_t got = readlink("/proc/self/exe", exe, sizeof exe);
	size_t n = (size_t)got, n_own = strlen(own), n_dir = n;
	if (got <= 0 || n == sizeof exe)
		return err_sys(e, ERR_IO, "cannot tell where this program lies");
	while (n_dir && exe[n_dir - 1] != '/')
		n_dir--;
	bool is_own = n - n_dir >= n_own && !memcmp(exe + n - n_own, own, n_own);
	bool failed = buf_add(out, exe, is_own ? n - n_own : n_dir) || (!is_own && buf_puts(out, "tt-")) || buf_puts(out, other);
	return failed ? err_memory(e) : 0;
}
