/* SPDX-License-Identifier: Apache-2.0
 *
 * walk: two levels of directories, of which only what bears a block's name is looked at.
 */
#include "generate/walk.h"

#include <errno.h>

#include "lib/base/io.h"

/* *d is NULL where there is no directory, which is no error. */
static int open_dir(DIR **d, const char *path, struct err *e)
{
	*d = opendir(path);
	return *d || errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, errno == EACCES ? ERR_PERM : ERR_IO, "cannot read '%s'", path);
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
	const char *name;
	struct buf path = { 0 };
	int r = open_dir(&d, dir, e);
	while ((name = io_next_name(d, dir, &r, e))) {
		bool aside = block_is_aside_name(name);
		if (!aside && !block_is_name(name))
			continue;
		buf_clear(&path);
		if (buf_printf(&path, "%s/%s", dir, name))
			r = err_memory(e);
		else
			r = aside ? fn(arg, path.data, NULL, NULL) : visit(path.data, fn, arg);
	}
	if (d)
		closedir(d);
	buf_release(&path);
	return r;
}

int walk_store(const char *dir, walk_fn fn, void *arg, struct err *e)
{
	DIR *d;
	const char *name;
	struct buf path = { 0 };
	int r = open_dir(&d, dir, e);
	while ((name = io_next_name(d, dir, &r, e))) {
		if (!block_is_model_name(name))
			continue;
		buf_clear(&path);
		if (buf_printf(&path, "%s/%s", dir, name))
			r = err_memory(e);
		else
			r = walk_model(path.data, fn, arg, e);
	}
	if (d)
		closedir(d);
	buf_release(&path);
	return r;
}
