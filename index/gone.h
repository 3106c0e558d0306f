/* SPDX-License-Identifier: Apache-2.0
 *
 * gone: the ids of chunks that leave an index, so that what was made from their text elsewhere (tt-cache) can leave too. They are told
 * before the commit that makes it so: whatever happens then, none is lost.
 */
#ifndef TT_INDEX_GONE_H
#define TT_INDEX_GONE_H

#include <stdint.h>
#include <stdio.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"

struct gone {
	FILE *to;
	struct buf out, in;	/* ids that leave, ids that come */
	struct err unheard;	/* the reader of `to` has left */
};

/* Each returns 0 or ERR_MEM. */
int gone_left(struct gone *g, const uint8_t id[HASH_ID_LEN]);
int gone_came(struct gone *g, const uint8_t id[HASH_ID_LEN]);
/* Prints the ids that leave and do not come again, a line each, and forgets all. ERR_IO where that cannot be written; not where nobody
 * reads any more. */
int gone_print(struct gone *g, struct err *e);
void gone_release(struct gone *g);

#endif
