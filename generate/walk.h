/* SPDX-License-Identifier: Apache-2.0
 *
 * walk: every block of a prefix store, model by model.
 */
#ifndef TT_GENERATE_WALK_H
#define TT_GENERATE_WALK_H

#include "generate/block.h"

/* Called with each block; `b` is NULL when it cannot be believed, and then `why` says so; `why` is NULL too for one that was not written to
 * its end. Not 0 ends the walk with that. */
typedef int (*walk_fn)(void *arg, const char *path, const struct block *b, const struct err *why);

/* A store that isn't there is an empty one; one that cannot be read is an error, so that nobody takes it for that. Blocks that go while
 * the walk is under way are passed over. */
int walk_store(const char *dir, walk_fn fn, void *arg, struct err *e);

#endif
