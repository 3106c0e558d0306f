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

int decoder_open(struct decoder **d, const struct model *m, struct pool *p, struct err *e);
void decoder_close(struct decoder *d);

/* Evaluates tok[0..n), n <= DECODER_BATCH, at positions pos.. : their keys and values go to `kv`, and the logits of the last n_out
 * positions to logits[n_out, n_vocab]. Every id must be in [0, n_vocab). Allocates nothing. */
void decoder_run(struct decoder *d, struct kv *kv, const int32_t *tok, size_t n, size_t pos, size_t n_out, float *logits);
/* Makes the live keys and values of positions [pos, pos + n) from stored rows that were loaded. */
void decoder_expand(struct decoder *d, struct kv *kv, size_t pos, size_t n);

#endif
