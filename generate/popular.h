/* SPDX-License-Identifier: Apache-2.0
 *
 * popular: which chunks have been asked for, as the prefix store tells: every block names the chunks that had a part in it, and
 * counts its hits.
 */
#ifndef TT_GENERATE_POPULAR_H
#define TT_GENERATE_POPULAR_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/hash.h"

struct popular_chunk { uint8_t id[HASH_ID_LEN]; uint64_t uses; };
struct popular { struct popular_chunk *chunk; size_t n, cap; };

/* Reads the headers of all blocks in `dir`, of whatever model. A store that isn't there knows nothing. */
int popular_load(struct popular *p, const char *dir, struct err *e);
void popular_release(struct popular *p);
/* Uses of a chunk; 0 if it is unknown. */
uint64_t popular_uses(const struct popular *p, const uint8_t id[HASH_ID_LEN]);

#endif
