/* SPDX-License-Identifier: Apache-2.0
 *
 * links: which of many paths are the same document under another name: symbolic and hard links (one device and inode), and
 * manual pages that are nothing but `.so man1/grep.1`. The document keeps the first name that is no symbolic link.
 */
#ifndef TT_TOKENIZE_LINKS_H
#define TT_TOKENIZE_LINKS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "tokenize/roots.h"

#define LINKS_NONE ((size_t)-1)

struct link_path {
	const char *path;	/* as given */
	const char *doc;	/* identity: the absolute path */
	size_t target;		/* index of the path it is an alias of, or LINKS_NONE */
	const char *outside;	/* `.so` target that is not among the paths, and no such page itself: absolute path; it is read once */
	const char *aliases;	/* names of the paths that are aliases of this one, or of `outside`: "egrep(1) fgrep(1)"; or NULL */
};

/* Fills target, outside and aliases of path[0..n); strings come from `a`. Looks at each file once. A `.so` target that is neither
 * among the paths nor below a root is none. ERR_MEM only. */
int links_find(struct link_path *path, size_t n, const struct roots *roots, struct arena *a, struct err *e);
/* The absolute form of a path: "./" and doubled slashes removed, ".." kept (it may cross a symbolic link). `cwd` is absolute. */
char *links_absolute(struct arena *a, const char *cwd, const char *path);
/* True for manual pages in other languages: .../man/de/man1/... */
bool links_localized(const char *path);

#endif
