/* SPDX-License-Identifier: Apache-2.0
 *
 * walk: two levels of directories, of which only what bears a block's name is looked at.
 */
#include "generate/walk.h"

#include <dirent.h>

#include "lib/base/buf.h"

static int walk_model(const char *dir, walk_fn fn, void *arg)
{
	DIR *d = opendir(dir);
	struct dirent *x;
	struct buf path = { 0 };
	int r = 0;
	while (d && !r && (x = readdir(d))) {
		struct block b;
		struct err why = { 0 };
		if (!block_is_name(x->d_name))
			continue;
		buf_clear(&path);
		if (buf_printf(&path, "%s/%s", dir, x->d_name))
			continue;
		int bad = block_open(&b, path.data, &why);
		if (bad == ERR_NOENT)
			continue;
		r = fn(arg, path.data, bad ? NULL : &b, &why);
		if (!bad)
			block_close(&b);
	}
	if (d)
		closedir(d);
	buf_release(&path);
	return r;
}

int walk_store(const char *dir, walk_fn fn, void *arg)
{
	DIR *d = opendir(dir);
	struct dirent *x;
	struct buf path = { 0 };
	int r = 0;
	while (d && !r && (x = readdir(d))) {
		if (!block_is_model_name(x->d_name))
			continue;
		buf_clear(&path);
		if (!buf_printf(&path, "%s/%s", dir, x->d_name))
			r = walk_model(path.data, fn, arg);
	}
	if (d)
		closedir(d);
	buf_release(&path);
	return r;
}
