/* SPDX-License-Identifier: Apache-2.0
 *
 * v16_lanes: what the encoder (bert_lanes.h) and attention (attn_lanes.h) share, in lanes of 16; v16_avx2.h or v16_avx512.h is included
 * before it. The including file defines
 *
 *	QUERIES, KEY_TILES	rows at a time, and the tiles of 16 lanes that they are multiplied with: 8 by 2 or less with 32 registers of 16
 *				lanes, 6 by 1 with 16 of 8, where that is 12 sums, 2 keys, a pair and a product
 */
#ifndef TT_KERN_V16_LANES_H
#define TT_KERN_V16_LANES_H

#include <string.h>

#include "lib/kern/ref/ref.h"
#include "lib/kern/x86/x86.h"

/* The tree of 16 lanes: 8 apart, 4, 2, 1. */
VF_FN float vf_sum(vf x)
{
	__m256 h = _mm256_add_ps(vf_low(x), vf_high(x));
	__m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
	q = _mm_add_ps(q, _mm_movehl_ps(q, q));
	return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
}
VF_FN float vf_top(vf x)
{
	__m256 h = _mm256_max_ps(vf_low(x), vf_high(x));
	__m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
	q = _mm_max_ps(q, _mm_movehl_ps(q, q));
	return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
}

VF_FN vf vf_exp(vf x)	/* exp_ref */
{
	x = vf_min(vf_max(x, vf_set(EXP_MIN)), vf_set(EXP_MAX));
	vf t = vf_fma(x, vf_set(EXP_LOG2E), vf_set(EXP_ROUND)), n = vf_sub(t, vf_set(EXP_ROUND));
	vf r = vf_fma(n, vf_set(-EXP_LN2_LO), vf_fma(n, vf_set(-EXP_LN2_HI), x));
	vf p = vf_fma(vf_set(EXP_C7), r, vf_set(EXP_C6));
	p = vf_fma(p, r, vf_set(EXP_C5));
	p = vf_fma(p, r, vf_set(EXP_C4));
	p = vf_fma(p, r, vf_set(EXP_C3));
	p = vf_fma(p, r, vf_set(EXP_C2));
	p = vf_add(vf_fma(p, vf_mul(r, r), r), vf_set(1.0f));
	return vf_scale2(p, t);
}

/* The larger magnitude of x and m. */
VF_FN vf vf_abs_max(vf x, vf m)
{
	return vf_max(vf_max(x, vf_neg(x)), m);
}

VF_FN vi code(vf x, vf inv, float max)
{
	return vi_of(vf_min(vf_max(vf_mul(x, inv), vf_set(-max)), vf_set(max)));
}

VF_FN vi pair(const int16_t *p)
{
	int32_t x;
	memcpy(&x, p, 4);
	return vi_set(x);
}

/* Sums acc[q][tile] over n pairs: x[q * ldx + 2i], y[i * ldy + tile * step], of `rows` q and `tiles`, constants. With
 * `ahead`, what lies so many numbers behind y is asked for. */
VF_FN void products(const int16_t *x, size_t ldx, const int16_t *y, size_t ldy, size_t step, size_t n, size_t ahead, int rows, int tiles,
	vi acc[QUERIES][KEY_TILES])
{
	vi s[QUERIES][KEY_TILES];
	EACH(q, QUERIES, QUERIES)
		EACH(k, KEY_TILES, KEY_TILES)
			s[q][k] = vi_set(0);
	for (size_t i = 0; i < n; i++) {
		vi b[KEY_TILES];
		EACH(k, tiles, KEY_TILES) {
			b[k] = vi_load(y + i * ldy + (size_t)k * step);
			if (ahead)
				_mm_prefetch((const char *)(y + i * ldy + (size_t)k * step + ahead), _MM_HINT_T0);
		}
		EACH(q, rows, QUERIES) {
			vi p = pair(x + (size_t)q * ldx + 2 * i);
			EACH(k, tiles, KEY_TILES)
				s[q][k] = vi_dot16(s[q][k], p, b[k]);
		}
	}
	EACH(q, QUERIES, QUERIES)
		EACH(k, KEY_TILES, KEY_TILES)
			acc[q][k] = s[q][k];
}

#endif
