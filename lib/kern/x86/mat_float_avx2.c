/* SPDX-License-Identifier: Apache-2.0
 *
 * mat for F32, F16 and BF16 at the avx2 level: a lane is a row, two vectors a tile, one FMA chain a row and token; four tokens side
 * by side.
 */
#include "lib/kern/x86/mat_out_avx2.h"

#define COLS 4

INLINE __m256 weights(const uint8_t *p, enum quant_type type)
{
	if (type == QUANT_F32)
		return _mm256_loadu_ps((const void *)p);
	__m128i h = _mm_loadu_si128((const void *)p);
	if (type == QUANT_F16)
		return _mm256_cvtph_ps(h);
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

INLINE void tile_float(const struct mat *w, size_t tile, const float *x, size_t tok, const struct mat_out *o, enum quant_type type, int cols)
{
	const uint8_t *p = w->data + tile * w->tile_len;
	size_t n = w->n_col, step = type == QUANT_F32 ? 64 : 32;
	__m256 acc[COLS][2];
	EACH(c, cols, COLS)
		acc[c][0] = acc[c][1] = _mm256_setzero_ps();
	for (size_t k = 0; k < n; k++, p += step) {
		__m256 v0 = weights(p, type), v1 = weights(p + step / 2, type);
		EACH(c, cols, COLS) {
			__m256 b = _mm256_set1_ps(x[(size_t)c * n + k]);
			acc[c][0] = _mm256_fmadd_ps(v0, b, acc[c][0]);
			acc[c][1] = _mm256_fmadd_ps(v1, b, acc[c][1]);
		}
	}
	EACH(c, cols, COLS)
		for (int h = 0; h < 2; h++)
			finish(w, tile, h, tok + (size_t)c, acc[c][h], o);
}

INLINE void run(const struct mat *w, size_t tile, size_t n_tile, const float *x, size_t n_tok, const struct mat_out *o, enum quant_type type)
{
	for (size_t i = tile; i < tile + n_tile; i++) {
		size_t t = 0;
		for (; t + COLS <= n_tok; t += COLS)
			tile_float(w, i, x + t * w->n_col, t, o, type, COLS);
		for (; t < n_tok; t++)
			tile_float(w, i, x + t * w->n_col, t, o, type, 1);
	}
}

MAT(mat_f32_avx2)
{
	run(w, tile, n_tile, x, n_tok, o, QUANT_F32);
}

MAT(mat_f16_avx2)
{
	run(w, tile, n_tile, x, n_tok, o, QUANT_F16);
}

MAT(mat_bf16_avx2)
{
	run(w, tile, n_tile, x, n_tok, o, QUANT_BF16);
}
