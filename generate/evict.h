/* SPDX-License-Identifier: Apache-2.0
 *
 * evict: keeping the prefix store within its bound. What goes first is what is worth least:
 *
 *	worth = cost * (1 + hits) / (bytes * age)
 *
 * the idea of GDSF (Cherkasova 1998) as RAGCache (arXiv 2404.12457, section 5.1) applies it to prefixes. A block is of no use
 * without those before it, so it counts as worth at least what the best block behind it is; one whose parent is gone is worth
 * nothing.
 */
#ifndef TT_GENERATE_EVICT_H
#define TT_GENERATE_EVICT_H

#include <stdint.h>
#include <time.h>

#include "lib/base/err.h"

/* Removes the blocks of least worth, of whatever model, until the store in `dir` holds at most max_bytes; then down to a little
 * less, so that not every call has to. Removes what killed writers left an hour ago. *left are the bytes that remain, of files that
 * could not be removed too. A store that is not there is empty; of one that cannot be read to its end (ERR_PERM, ERR_IO) or with ERR_MEM
 * no block is removed: what hangs together could not be seen. A folder in it that may not be read is passed over. */
int evict(const char *dir, uint64_t max_bytes, uint64_t *left, struct err *e);

/* The same, but what was written or used at `spare` or later stays, and so does what that hangs on. */
#define EVICT_SPARE_NONE ((time_t)INT64_MAX)
int evict_before(const char *dir, uint64_t max_bytes, time_t spare, uint64_t *left, struct err *e);

#endif
