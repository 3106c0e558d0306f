/* SPDX-License-Identifier: Apache-2.0
 *
 * shown: "tar(1)", but "/home/anna/lamp/README.md". See shown.h.
 */
#include "lib/base/shown.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/utf8.h"

/* True if the name is the last of the path's parts. */
static bool is_last(const char *name, size_t n_name, const char *path, size_t n_path)
{
	return n_path > n_name && path[n_path - n_name - 1] == '/' && memcmp(path + n_path - n_name, name, n_name) == 0;
}

int shown_name(struct buf *b, const char *name, size_t n_name, const char *path, size_t n_path)
{
	bool packed = n_path > 3 && memcmp(path + n_path - 3, ".gz", 3) == 0;
	if (is_last(name, n_name, path, n_path) || (packed && is_last(name, n_name, path, n_path - 3)))
		return utf8_visible_field(b, path, n_path);
	return utf8_visible_field(b, name, n_name);
}
