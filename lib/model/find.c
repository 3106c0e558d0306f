/* SPDX-License-Identifier: Apache-2.0
 *
 * find: the directories of models, in order. See find.h.
 */
#include "lib/model/find.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"

#define SYSTEM_DIR "/var/lib/tiny-titans/models"

static bool is_path(const char *name)
{
	size_t n = strlen(name);
	return strchr(name, '/') || (n > 5 && !strcmp(name + n - 5, ".gguf"));
}

/* Tries dir/name.gguf and the folder dir/name; true if `path` now holds one that exists. *closed becomes `dir` if it may not be looked into. */
static bool try_dir(struct buf *path, const char *dir, const char *name, const char **closed)
{
	size_t before = path->len;
	struct stat st;
	if (!dir || !*dir)
		return false;
	buf_printf(path, "%s/%s.gguf", dir, name);
	if (!path->failed && !access(path->data + before, F_OK))
		return true;
	if (!path->failed && errno == EACCES)
		*closed = dir;
	path->len = before;
	buf_printf(path, "%s/%s", dir, name);
	if (!path->failed && !stat(path->data + before, &st) && S_ISDIR(st.st_mode))
		return true;
	path->len = before;
	return false;
}

int model_find(struct buf *path, const char *name, const char *dir, struct err *e)
{
	/* As `tt-` in tt-generate: the programs of an installation have one prefix. */
	const char *own = program_invocation_short_name, *dash = strrchr(own, '-');
	int n_prefix = dash ? (int)(dash + 1 - own) : 0;
	size_t before = path->len;
	const char *closed = NULL;
	struct buf data = {0};
	int r = 0;
	if (dir && !*dir)
		dir = NULL;
	if (!*name)
		return err_set(e, ERR_ARG, ERR_NO_OFFSET, "empty model name");
	if (is_path(name)) {
		buf_puts(path, name);
	} else {
		bool home = !io_dir(&data, IO_DIR_DATA, "models", NULL);
		bool found = try_dir(path, dir, name, &closed) || try_dir(path, home ? data.data : NULL, name, &closed) ||
			try_dir(path, SYSTEM_DIR, name, &closed);
		if (!found && closed)	/* it may be there */
			r = err_set(e, ERR_PERM, ERR_NO_OFFSET, "cannot look for model '%s' in '%s': %s", name, closed, strerror(EACCES));
		else if (!found)
			r = err_set(e, ERR_NOENT, ERR_NO_OFFSET, "no model '%s' in %s%s%s'%s' or '%s' (fetch it with: %.*smodel fetch %s)",
				    name, dir ? "'" : "", dir ? dir : "", dir ? "', " : "", home ? data.data : "~/.local/share/tiny-titans/models",
				    SYSTEM_DIR, n_prefix, own, name);
	}
	if (path->failed)
		r = err_memory(e);
	if (r)
		path->len = before;
	buf_release(&data);
	return r;
}
