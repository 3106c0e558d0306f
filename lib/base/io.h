/* SPDX-License-Identifier: Apache-2.0
 *
 * io: files read whole or mapped, and files replaced so that a reader sees the old or the new one and nothing else.
 *
 * Replacing is always: write aside in the same directory, fsync(file), rename, fsync(directory). A failed fsync is
 * final: the aside file is removed and the error returned; it is never retried (the kernel has dropped the pages).
 */
#ifndef TT_BASE_IO_H
#define TT_BASE_IO_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* A file mapped read-only. `data` is page-aligned; a file of length 0 has data NULL. ERR_NOENT: there is no regular file of that name;
 * ERR_PERM; ERR_IO for what may be otherwise the next time (too many open files, a disk that fails); ERR_MEM. */
struct map {
	const void *data;
	size_t len;
	uint64_t dev, ino, mtime_ns, ctime_ns;	/* identity at the time of opening */
};
int map_open(struct map *m, const char *path, struct err *e);
void map_close(struct map *m);
/* Advises that the whole file will be read again and again: what is not in memory is read in large pages. */
void map_want_large(const struct map *m);
/* Makes the file's pages present at once instead of one fault after the other. It reads what is not in memory, and does nothing for
 * a file larger than half of that. */
void map_populate(const struct map *m);

/* Opens for reading: a descriptor, or ERR_NOENT, ERR_PERM, ERR_IO. */
int io_open(const char *path, struct err *e);
/* Appends the whole file (at most `max` bytes, else ERR_LIMIT) to `b`. Errors as map_open. */
int io_read_file(struct buf *b, const char *path, size_t max, struct err *e);
/* Reads all of `fd` until its end, at most `max` bytes. `name` is for messages. */
int io_read_fd(struct buf *b, int fd, const char *name, size_t max, struct err *e);
/* Reads up to n bytes, retrying on EINTR. Returns bytes read (0 at the end) or -1 with errno. */
long io_read(int fd, void *p, size_t n);
/* Writes all n bytes, retrying on EINTR and short writes. */
int io_write(int fd, const void *p, size_t n, const char *name, struct err *e);
/* Brings what stdio holds to standard output; ERR_IO if that, or anything written there before, failed. */
int io_flush_stdout(struct err *e);

/* The next name in `d` (may be NULL), the folder at `path`; NULL behind the last one, if *r is not 0, or with *r = ERR_IO where the folder
 * cannot be read on. It is good until the next call. */
const char *io_next_name(DIR *d, const char *path, int *r, struct err *e);

/* A file being written aside. */
struct aside {
	int fd;
	char *path;		/* the final name */
	char *tmp;		/* the name until aside_commit */
};
/* Opens `path.tmp.XXXXXX` beside `path` with `mode`. On error nothing is left. */
int aside_open(struct aside *a, const char *path, unsigned mode, struct err *e);
/* fsync, rename over `path`, fsync(directory), close. On error the aside file is removed and `path` is as before. */
int aside_commit(struct aside *a, struct err *e);
/* The same without any fsync, for caches whose readers check what they read. ERR_NOENT if somebody has removed the aside file. */
int aside_publish(struct aside *a, struct err *e);
/* Removes the aside file; harmless after aside_commit and on a zeroed struct. */
void aside_abort(struct aside *a);
/* aside_open + io_write + aside_commit. */
int io_replace(const char *path, const void *p, size_t n, unsigned mode, struct err *e);

/* Removes from `dir` the aside files of writers that were killed; those being written are locked, and stay. Best effort. */
void io_sweep(const char *dir);

/* Creates `path` and its missing parents (like mkdir -p), mode 0700 for what is created, and syncs the directories that got one. */
int io_mkdirs(const char *path, struct err *e);

/* Where things live (XDG base directories; tiny-titans(7)). `out` gets "<dir>/tiny-titans[/sub]"; returns ERR_CONF when
 * neither the XDG variable nor HOME is set. The only place below main() that reads these variables. */
enum io_dir { IO_DIR_CONFIG, IO_DIR_DATA, IO_DIR_CACHE };
int io_dir(struct buf *out, enum io_dir which, const char *sub, struct err *e);
/* The folder `sub` of the cache, for who writes there: made if it is not there, and swept. Errors of io_dir and io_mkdirs. */
int io_cache_dir(struct buf *out, const char *sub, struct err *e);

/* Appends the path of another program of the suite, beside this one and with the same prefix: in /usr/bin/x-cache, ("cache", "index")
 * gives /usr/bin/x-index. A program that was given another name finds tt-index. */
int io_beside(struct buf *out, const char *own, const char *other, struct err *e);

/* Monotonic clock in nanoseconds. */
uint64_t io_now_ns(void);

#endif
