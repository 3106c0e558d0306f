/* SPDX-License-Identifier: Apache-2.0
 *
 * avx2: helpers that the avx2 files share. Sixteen lanes are two vectors of eight, `a` lanes 0-7 and `b` lanes 8-15, so that sums and
 * trees are those of ref/ref.h. Tails go through a buffer of zeros.
 */
#ifndef TT_KERN_AVX2_H
#define TT_KERN_AVX2_H

#include <immintrin.h>

#include "lib/kern/ref/ref.h"
#include "lib/kern/x86/x86.h"

struct v16 {
	__m256 a, b;
};

INLINE struct v16 load(const float *p, size_t left)
{
	float t[16] = { 0 };
	if (left < 16) {
		memcpy(t, p, left * sizeof *p);
		p = t;
	}
	return (struct v16){ _mm256_loadu_ps(p), _mm256_loadu_ps(p + 8) };
}

INLINE void store(float *p, size_t left, struct v16 v)
{
	float t[16];
	float *to = left < 16 ? t : p;
	_mm256_storeu_ps(to, v.a);
	_mm256_storeu_ps(to + 8, v.b);
	if (left < 16)
		memcpy(p, t, left * sizeof *p);
}

/* Lanes added 8 apart, 4, 2, 1: tree16 of ref.h. */
INLINE float tree(struct v16 v)
{
	__m256 a = _mm256_add_ps(v.a, v.b);
	__m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
	b = _mm_add_ps(b, _mm_movehl_ps(b, b));
	return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

INLINE float max8(__m256 v)
{
	__m128 b = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
	b = _mm_max_ps(b, _mm_movehl_ps(b, b));
	return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

/* exp_ref of each lane. */
INLINE __m256 exp256(__m256 x)
{
	x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(EXP_MIN)), _mm256_set1_ps(EXP_MAX));
	__m256 t = _mm256_fmadd_ps(x, _mm256_set1_ps(EXP_LOG2E), _mm256_set1_ps(EXP_ROUND));
	__m256 n = _mm256_sub_ps(t, _mm256_set1_ps(EXP_ROUND));
	__m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-EXP_LN2_LO), _mm256_fmadd_ps(n, _mm256_set1_ps(-EXP_LN2_HI), x));
	__m256 p = _mm256_fmadd_ps(_mm256_set1_ps(EXP_C7), r, _mm256_set1_ps(EXP_C6));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C5));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C4));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C3));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C2));
	p = _mm256_add_ps(_mm256_fmadd_ps(p, _mm256_mul_ps(r, r), r), _mm256_set1_ps(1));
	return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(t), 23)));
}

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

#endif
