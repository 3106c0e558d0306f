/* SPDX-License-Identifier: Apache-2.0
 *
 * roots: the kernel knows the path of an open file, /proc/self/fd tells it.
 */
#include "tokenize/roots.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/io.h"

#define LIST_MAX ((size_t)64 << 20)

int roots_open(struct roots *r, const char *list, struct err *e)
{
	struct buf text = {0};
	*r = (struct roots){ .any = !list };
	int rc = list ? io_read_file(&text, list, LIST_MAX, e) : 0;
	if (rc == 0 && buf_putc(&text, 0))
		rc = err_memory(e);
	char *rest = text.data, *line;
	while (rc == 0 && (line = strsep(&rest, "\n"))) {
		char *real = *line ? realpath(line, NULL) : NULL;
		char **v = real ? realloc(r->v, (r->n + 1) * sizeof *v) : NULL;
		if (v) {
			r->v = v;
			v[r->n++] = real;
		} else if (real) {
			free(real);
			rc = err_memory(e);
		}
	}
	buf_release(&text);
	if (rc < 0)
		roots_close(r);
	return rc;
}

bool roots_hold(const struct roots *r, const char *path)
{
	bool found = r->any;
	for (size_t i = 0; i < r->n && !found; i++) {
		size_t n = strlen(r->v[i]);
		n -= r->v[i][n - 1] == '/';	/* of "/" alone */
		found = strncmp(path, r->v[i], n) == 0 && (path[n] == '/' || !path[n]);
	}
	return found;
}

int roots_check(const struct roots *r, int fd, const char *name, struct err *e)
{
	char link[32], at[PATH_MAX];
	if (r->any)
		return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, at, sizeof at);
	if (n < 0)
		return err_sys(e, ERR_IO, "cannot tell where '%s' lies", name);
	if (n == sizeof at)
		return err_set(e, ERR_LIMIT, ERR_NO_OFFSET, "'%s' lies too deep", name);
	at[n] = 0;
	return roots_hold(r, at) ? 0 :
		err_set(e, ERR_UNSUPPORTED, ERR_NO_OFFSET, "'%s' leads out of the folder that it was found in, to '%s'", name, at);
}

void roots_close(struct roots *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i]);
	free(r->v);
	*r = (struct roots){0};
}
