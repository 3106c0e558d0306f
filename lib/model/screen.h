/* SPDX-License-Identifier: Apache-2.0
 *
 * screen: the likeliest token without reading all bits of the vocabulary head, the largest matrix of a small model.
 *
 * Beside a head in Q8_0 the pack keeps a copy of it rounded to Q5_0, and for each row how wrong that can be at most. Where y are a token's
 * activations as the kernels see them, l the row's logit and a the copy's, and |.| the Euclidean norm,
 *
 *	|l - a| <= slack |y|,	slack = |row - copy| (Cauchy and Schwarz) + what the kernel for Q8_0 rounds + what floats round
 *
 * so a row with a + slack |y| < max over rows (a - slack |y|) cannot be the likeliest. All of the copy is read, and of the head only the
 * tiles with other rows: 1 in 100 or fewer, mostly. The answer is that of all logits, whatever the copy is like; a bad one costs time.
 */
#ifndef TT_MODEL_SCREEN_H
#define TT_MODEL_SCREEN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/model/nn.h"

#define SCREEN_MAX 8	/* tokens at once */

struct screen {
	struct mat copy;	/* Q5_0, the head's shape */
	const float *slack;	/* [n_row], borrowed; NULL: there is no copy, all logits are computed */
};

/* What screen_best reads whole. */
static inline const struct mat *screen_whole(const struct screen *s, const struct mat *head)
{
	return s->slack ? &s->copy : head;
}

/* best[t] = the row of `head` with the largest logit for token t of `a` (n_tok <= SCREEN_MAX), the first of equals; -1 if all are NaN.
 * work[n_tok][n_row] is room. Returns how much of the head was read, 0 to n_tok: if it is much, the caller will rather do without the copy
 * for a while. */
double screen_best(struct nn *nn, const struct act *a, const struct mat *head, const struct screen *s, float *work, int32_t *best);

/* A row of n weights in Q8_0 (n a multiple of 32): its copy, n / 32 blocks of Q5_0, goes to `copy`; returns its slack. */
float screen_row(const void *row, size_t n, void *copy);

#endif
