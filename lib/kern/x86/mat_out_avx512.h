/* SPDX-License-Identifier: Apache-2.0
 *
 * mat_out_avx512: what ends a matrix product at the avx512 and vnni levels.
 */
#ifndef TT_KERN_MAT_OUT_AVX512_H
#define TT_KERN_MAT_OUT_AVX512_H

#include <immintrin.h>

#include "lib/kern/x86/x86.h"

/* Stores a token's 16 rows: bias, residual, the last tile's missing rows. */
INLINE void finish(const struct mat *w, size_t tile, size_t tok, __m512 v, const struct mat_out *o)
{
	size_t row = tile * W16_ROWS, n = w->n_row - row;
	__mmask16 m = n < W16_ROWS ? (__mmask16)((1u << n) - 1) : 0xffff;
	float *y = o->y + tok * o->ld + row - o->row;
	if (o->bias)
		v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(m, o->bias + row));
	if (o->add)
		v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(m, y));
	_mm512_mask_storeu_ps(y, m, v);
}

INLINE void tile_finish(const struct mat *w, size_t tile, size_t tok, const float acc[16], const struct mat_out *o)
{
	finish(w, tile, tok, _mm512_loadu_ps(acc), o);
}

#endif
