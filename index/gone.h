/* SPDX-License-Identifier: Apache-2.0
 *
 * gone: the ids of chunks that leave an index, so that what was made from their text elsewhere (tt-cache) can leave too.
 */
#ifndef TT_INDEX_GONE_H
#define TT_INDEX_GONE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/buf.h"
#include "lib/base/hash.h"

struct gone { struct buf out, in; bool is_committed; };	/* ids that left, ids that came; whether a commit has made it so */

/* Each returns 0 or ERR_MEM. */
int gone_left(struct gone *g, const uint8_t id[HASH_ID_LEN]);
int gone_came(struct gone *g, const uint8_t id[HASH_ID_LEN]);
/* Prints the ids that left and did not come again, a line each, and forgets all; nothing before a commit. */
void gone_print(struct gone *g, FILE *f);
void gone_release(struct gone *g);

#endif
