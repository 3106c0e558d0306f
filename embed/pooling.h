/* SPDX-License-Identifier: Apache-2.0
 *
 * pooling: from a text's token vectors to its one vector, and that vector's compact forms.
 */
#ifndef TT_EMBED_POOLING_H
#define TT_EMBED_POOLING_H

#include <stddef.h>
#include <stdint.h>

#include "embed/weights.h"

/* out[d] = the mean of x[n_tok, d] or x[0], divided by its length (a zero vector stays). Sums run over tokens in order, the length
 * over 16 lanes and a tree. */
void pooling_vec(enum pooling how, const float *x, size_t n_tok, size_t d, float *out);
/* out[d] = x + share * y, divided by its length: a vector between two others. */
void pooling_add(const float *x, const float *y, float share, size_t d, float *out);
/* out[d] = round(x * 127 / max |x|), ties to even; returns max |x| / 127, so that x is about out * scale. */
float pooling_i8(const float *x, size_t d, int8_t *out);

#endif
