/* SPDX-License-Identifier: Apache-2.0
 *
 * roots: the folders that documents may come from. A path says where a file was when somebody looked; since then a folder on the
 * way may have become a symbolic link to another place. So the file is opened first, and then it is asked where it lies.
 *
 *	struct roots r;  roots_open(&r, list, &e);		// list NULL: files may lie anywhere
 *	roots_check(&r, fd, path, &e);  roots_close(&r);
 *
 * After roots_open it is only read, so threads may share it.
 */
#ifndef TT_TOKENIZE_ROOTS_H
#define TT_TOKENIZE_ROOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct roots { char **v; size_t n; bool any; };

/* `list` names a file of folders (or single files), a line each. Symbolic links in them are followed now; one that is not there holds
 * nothing. On error `r` is empty. */
int roots_open(struct roots *r, const char *list, struct err *e);
/* True if `path`, absolute and without symbolic links, is a root or lies below one. */
bool roots_hold(const struct roots *r, const char *path);
/* ERR_UNSUPPORTED if the open file `fd`, reached by `name`, lies elsewhere. */
int roots_check(const struct roots *r, int fd, const char *name, struct err *e);
void roots_close(struct roots *r);

#endif
