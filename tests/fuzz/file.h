/* SPDX-License-Identifier: Apache-2.0
 *
 * For fuzz targets of readers that take a path: a file or a folder in memory, of this process alone.
 */
#ifndef TT_TESTS_FUZZ_FILE_H
#define TT_TESTS_FUZZ_FILE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char fuzz_path[64];

static inline const char *fuzz_memory(void)
{
	return access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
}

static void fuzz_file_remove(void)
{
	unlink(fuzz_path);
}

/* The path of a file that holds p[0..n); the same one at every call, with the new bytes. It goes when the process ends. */
static inline const char *fuzz_file(const void *p, size_t n)
{
	static int fd = -1;
	if (fd < 0) {
		snprintf(fuzz_path, sizeof fuzz_path, "%s/fuzz-%ld", fuzz_memory(), (long)getpid());
		fd = open(fuzz_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		atexit(fuzz_file_remove);
	}
	if (ftruncate(fd, 0) || pwrite(fd, p, n, 0) != (ssize_t)n)
		abort();
	return fuzz_path;
}

/* The path of an empty folder, the same one at every call; fuzz_dir_remove comes before the next. */
static inline const char *fuzz_dir(void)
{
	static char dir[64];
	if (!dir[0])
		snprintf(dir, sizeof dir, "%s/fuzz-dir-%ld", fuzz_memory(), (long)getpid());
	mkdir(dir, 0700);
	return dir;
}

/* Removes it with the files in it. */
static inline void fuzz_dir_remove(const char *dir)
{
	DIR *d = opendir(dir);
	if (!d)
		abort();
	for (const struct dirent *f; (f = readdir(d));)
		unlinkat(dirfd(d), f->d_name, 0);
	closedir(d);
	rmdir(dir);
}

#endif
