/* SPDX-License-Identifier: Apache-2.0
 *
 * forward: texts as token ids in, unit vectors out. A batch is the tokens of all its texts behind each other, without padding: matrices
 * do not care where a text ends, attention goes text by text.
 *
 *	struct forward *f;  forward_open(&f, bert, pool, &e);
 *	forward_add(f, ids, n) ... while forward_room(f) ...
 *	forward_run(f);  forward_vec(f, i)
 *	forward_clear(f);
 *
 * A vector is the same bytes in every batch, for every thread count and at every kernel level. Memory is sized at opening; running
 * allocates nothing. One thread at a time per handle.
 */
#ifndef TT_EMBED_FORWARD_H
#define TT_EMBED_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "embed/bert.h"

struct pool;
struct forward;

#define FORWARD_TOKENS 16384	/* a batch's tokens: 64 units of work, so that little is lost where threads wait for the last; under a second */

/* Room for a batch. Borrows the embedder and the pool (NULL: this thread alone). ERR_MEM. */
int forward_open(struct forward **f, const struct bert *b, struct pool *p, struct err *e);
void forward_close(struct forward *f);

/* Adds a text of n ids, [CLS] and [SEP] included, 1 <= n <= max_tok, all in the vocabulary. False if it does not fit the batch. */
bool forward_add(struct forward *f, const int32_t *id, size_t n);
size_t forward_room(const struct forward *f);		/* tokens that still fit */
size_t forward_n_tok(const struct forward *f);
size_t forward_n_text(const struct forward *f);
void forward_run(struct forward *f);
/* Vector of the i-th text, [d_model], of length 1; borrowed until forward_clear. */
const float *forward_vec(const struct forward *f, size_t i);
void forward_clear(struct forward *f);

/* Lets the next runs note what matrices read; NULL stops it. Only without a pool. */
void forward_watch(struct forward *f, struct bert_watch *w);

#endif
