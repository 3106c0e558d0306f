/* SPDX-License-Identifier: Apache-2.0
 *
 * avx512: helpers that the avx512 and vnni files share: masked tails, the 16-lane tree, exp. The same operations in the same order as
 * ref/ref.h, sixteen at a time.
 */
#ifndef TT_KERN_AVX512_H
#define TT_KERN_AVX512_H

#include <immintrin.h>

#include "lib/kern/ref/ref.h"
#include "lib/kern/x86/x86.h"

/* The first min(left, 16) lanes. */
INLINE __mmask16 mask(size_t left)
{
	return left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
}

INLINE __m512 load(const float *p, size_t left)
{
	return left >= 16 ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(mask(left), p);
}

INLINE void store(float *p, size_t left, __m512 v)
{
	if (left >= 16)
		_mm512_storeu_ps(p, v);
	else
		_mm512_mask_storeu_ps(p, mask(left), v);
}

/* Lanes added 8 apart, 4, 2, 1: tree16 of ref.h. */
INLINE float tree(__m512 v)
{
	__m256 a = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
	__m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
	b = _mm_add_ps(b, _mm_movehl_ps(b, b));
	return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

/* exp_ref of each lane. */
INLINE __m512 exp512(__m512 x)
{
	x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(EXP_MIN)), _mm512_set1_ps(EXP_MAX));
	__m512 t = _mm512_fmadd_ps(x, _mm512_set1_ps(EXP_LOG2E), _mm512_set1_ps(EXP_ROUND));
	__m512 n = _mm512_sub_ps(t, _mm512_set1_ps(EXP_ROUND));
	__m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-EXP_LN2_LO), _mm512_fmadd_ps(n, _mm512_set1_ps(-EXP_LN2_HI), x));
	__m512 p = _mm512_fmadd_ps(_mm512_set1_ps(EXP_C7), r, _mm512_set1_ps(EXP_C6));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXP_C5));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXP_C4));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXP_C3));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXP_C2));
	p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1));
	return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_castps_si512(t), 23)));
}

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

#endif
