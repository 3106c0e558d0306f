/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder: tokens in, logits out; the arithmetic of a Llama-like transformer and the memory it works in. Positions, timelines and
 * what is kept belong to session.h.
 */
#ifndef TT_GENERATE_DECODER_H
#define TT_GENERATE_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "generate/kv.h"
#include "generate/model.h"
#include "lib/base/err.h"

struct pool;
struct decoder;

#define DECODER_BATCH 128	/* tokens evaluated at once; weights are read once for all of them */

/* Room for a batch. Borrows the model and the pool (NULL: this thread alone). ERR_MEM. */
int decoder_open(struct decoder **d, const struct model *m, struct pool *p, struct err *e);
void decoder_close(struct decoder *d);

/* Evaluates tok[0..n), n <= DECODER_BATCH, at positions pos.. : their keys and values go to `kv`. What the vocabulary
 * head reads of the last n_out positions is kept for the two functions below, until the next call. Every id must be in [0, n_vocab).
 * Allocates nothing. */
void decoder_run(struct decoder *d, struct kv *kv, const int32_t *tok, size_t n, size_t pos, size_t n_out);
/* logits[n_out, n_vocab] of the kept positions. */
void decoder_logits(struct decoder *d, float *logits);
/* best[n_out] = the token with the largest logit of each (n_out <= SCREEN_MAX), the first of equals, -1 if there is none; work[n_out, n_vocab]
 * is room. Reads less than decoder_logits where the pack has a copy of the head (lib/model/screen.h). */
void decoder_best(struct decoder *d, float *work, int32_t *best);
/* Makes the live keys and values of positions [pos, pos + n) from stored rows that were loaded. */
void decoder_expand(struct decoder *d, struct kv *kv, size_t pos, size_t n);

#endif
