/* SPDX-License-Identifier: Apache-2.0
 *
 * mat for F32, F16 and BF16 at the avx512 level: a lane is a row, one FMA chain a row and token; eight tokens side by side.
 */
#include "lib/kern/x86/mat_out_avx512.h"

#define COLS 8

INLINE __m512 weights(const uint8_t *p, enum quant_type type)
{
	if (type == QUANT_F32)
		return _mm512_loadu_ps(p);
	__m256i h = _mm256_loadu_si256((const void *)p);
	if (type == QUANT_F16)
		return _mm512_cvtph_ps(h);
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

INLINE void tile_float(const struct mat *w, size_t tile, const float *x, size_t tok, const struct mat_out *o, enum quant_type type, int cols)
{
	const uint8_t *p = w->data + tile * w->tile_len;
	size_t n = w->n_col, step = type == QUANT_F32 ? 64 : 32;
	__m512 acc[COLS];
	EACH(c, cols, COLS)
		acc[c] = _mm512_setzero_ps();
	for (size_t k = 0; k < n; k++, p += step) {
		__m512 v = weights(p, type);
		EACH(c, cols, COLS)
			acc[c] = _mm512_fmadd_ps(v, _mm512_set1_ps(x[(size_t)c * n + k]), acc[c]);
	}
	EACH(c, cols, COLS)
		finish(w, tile, tok + (size_t)c, acc[c], o);
}

INLINE void run(const struct mat *w, size_t tile, size_t n_tile, const float *x, size_t n_tok, const struct mat_out *o, enum quant_type type)
{
	for (size_t i = tile; i < tile + n_tile; i++)
		for (size_t t = 0; t < n_tok;) {
			const float *xt = x + t * w->n_col;
			if (n_tok - t >= COLS) {
				tile_float(w, i, xt, t, o, type, COLS);
				t += COLS;
			} else if (n_tok - t >= 4) {
				tile_float(w, i, xt, t, o, type, 4);
				t += 4;
			} else {
				tile_float(w, i, xt, t, o, type, 1);
				t++;
			}
		}
}

MAT(mat_f32_avx512)
{
	run(w, tile, n_tile, x, n_tok, o, QUANT_F32);
}

MAT(mat_f16_avx512)
{
	run(w, tile, n_tile, x, n_tok, o, QUANT_F16);
}

MAT(mat_bf16_avx512)
{
	run(w, tile, n_tile, x, n_tok, o, QUANT_BF16);
}
