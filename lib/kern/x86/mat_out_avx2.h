/* SPDX-License-Identifier: Apache-2.0
 *
 * mat_out_avx2: what ends a matrix product at the avx2 level.
 */
#ifndef TT_KERN_MAT_OUT_AVX2_H
#define TT_KERN_MAT_OUT_AVX2_H

#include <immintrin.h>

#include "lib/kern/x86/x86.h"

/* Stores rows 8 half .. 8 half + 7 of a token's tile: bias, residual, the last tile's missing rows. */
INLINE void finish(const struct mat *w, size_t tile, int half, size_t tok, __m256 v, const struct mat_out *o)
{
	size_t row = tile * W16_ROWS + 8 * (size_t)half;
	if (row >= w->n_row)
		return;
	size_t n = w->n_row - row;
	float *y = o->y + tok * o->ld + row - o->row;
	if (n >= 8) {
		if (o->bias)
			v = _mm256_add_ps(v, _mm256_loadu_ps(o->bias + row));
		if (o->add)
			v = _mm256_add_ps(v, _mm256_loadu_ps(y));
		_mm256_storeu_ps(y, v);
		return;
	}
	float t[8];
	_mm256_storeu_ps(t, v);
	for (size_t r = 0; r < n; r++) {
		float f = o->bias ? t[r] + o->bias[row + r] : t[r];
		y[r] = o->add ? f + y[r] : f;
	}
}

INLINE void tile_finish(const struct mat *w, size_t tile, size_t tok, const float acc[16], const struct mat_out *o)
{
	for (int h = 0; h < 2; h++)
		finish(w, tile, h, tok, _mm256_loadu_ps(acc + 8 * h), o);
}

#endif
