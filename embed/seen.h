/* SPDX-License-Identifier: Apache-2.0
 *
 * seen: vectors of the texts that were embedded last. A title stands with every chunk of its document, and some text stands in several
 * documents (a fifth of the chunks of a distribution's manual pages): each is computed once.
 *
 *	set = id mod n_set	[ id, tokens, turn ] x WAYS, replaced in turn;  vec[slot]
 *
 * A vector depends on its text alone, so what is remembered changes the time that embedding takes, and nothing else. Texts are known
 * by BLAKE2b: nobody can give his text the vector of another.
 */
#ifndef TT_EMBED_SEEN_H
#define TT_EMBED_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/hash.h"

struct err;
struct seen;

#define SEEN_NONE UINT32_MAX

/* For vectors of d numbers. ERR_MEM. */
int seen_open(struct seen **s, size_t d, struct err *e);
void seen_close(struct seen *s);

/* The slot of a text, which stays its own until seen_turn; SEEN_NONE if it has none. */
uint32_t seen_find(struct seen *s, const uint8_t id[HASH_ID_LEN]);
/* A slot for a text that has none; SEEN_NONE if all that it could have are in use until seen_turn. The caller fills its vector. */
uint32_t seen_add(struct seen *s, const uint8_t id[HASH_ID_LEN], size_t n_tok);
/* Slots that were found or added may be replaced from now on. */
void seen_turn(struct seen *s);

float *seen_vec(struct seen *s, uint32_t slot);		/* [d] */
size_t seen_n_tok(const struct seen *s, uint32_t slot);	/* as given to seen_add */

#endif
