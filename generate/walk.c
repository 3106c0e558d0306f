/* SPDX-License-Identifier: Apache-2.0
 *
 * walk: two levels of directories, of which only what bears a block's name is looked at.
 */
#include "generate/walk.h"

#include <dirent.h>
#include <errno.h>

#include "lib/base/buf.h"

/* *d is NULL where there is no directory, which is no error. */
static int open_dir(DIR **d, const char *path, struct err *e)
{
	*d = opendir(path);
	return *d || errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, errno == EACCES ? ERR_PERM : ERR_IO, "cannot read '%s'", path);
}

/* The next name; NULL at the end, or if the directory (may be NULL) cannot be read on: then errno is not 0. */
static struct dirent *next_name(DIR *d)
{
	errno = 0;
	return d ? readdir(d) : NULL;
}

/* Closes it, behind its last name. */
static int close_dir(DIR *d, const char *path, int r, struct err *e)
{
	if (!r && errno)
		r = err_sys(e, ERR_IO, "cannot read '%s'", path);
	if (d)
		closedir(d);
	return r;
}

static int visit(const char *path, walk_fn fn, void *arg)
{
	struct block b;
	struct err why = { 0 };
	int bad = block_open(&b, path, &why);
	if (bad == ERR_NOENT)
		return 0;
	int r = fn(arg, path, bad ? NULL : &b, &why);
	if (!bad)
		block_close(&b);
	return r;
}

static int walk_model(const char *dir, walk_fn fn, void *arg, struct err *e)
{
	DIR *d;
	struct dirent *x;
	struct buf path = { 0 };
	int r = open_dir(&d, dir, e);
	while (!r && (x = next_name(d))) {
		bool aside = block_is_aside_name(x->d_name);
		if (!aside && !block_is_name(x->d_name))
			continue;
		buf_clear(&path);
		if (buf_printf(&path, "%s/%s", dir, x->d_name))
			r = err_memory(e);
		else
			r = aside ? fn(arg, path.data, NULL, NULL) : visit(path.data, fn, arg);
	}
	r = close_dir(d, dir, r, e);
	buf_release(&path);
	return r;
}

int walk_store(const char *dir, walk_fn fn, void *arg, struct err *e)
{
	DIR *d;
	struct dirent *x;
	struct buf path = { 0 };
	int r = open_dir(&d, dir, e);
	while (!r && (x = next_name(d))) {
		if (!block_is_model_name(x->d_name))
			continue;
		buf_clear(&path);
		if (buf_printf(&path, "%s/%s", dir, x->d_name))
			r = err_memory(e);
		else
			r = walk_model(path.data, fn, arg, e);
	}
	r = close_dir(d, dir, r, e);
	buf_release(&path);
	return r;
}
