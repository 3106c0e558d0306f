/* SPDX-License-Identifier: Apache-2.0
 *
 * v16_lanes: what rows (vec_lanes.h), attention (attn_lanes.h) and the encoder (bert_lanes.h) share, in lanes of 16; v16_avx2.h or
 * v16_avx512.h is included before it.
 */
#ifndef TT_KERN_V16_LANES_H
#define TT_KERN_V16_LANES_H

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

/* exp_ref of x[n], n <= 2 a constant: step by step, so that chains of operations that wait for each other run side by side. */
VF_FN void vf_exps(vf *x, int n)
{
	vf t[2], m[2], r[2], p[2];
	EACH(i, n, 2)
		x[i] = vf_min(vf_max(x[i], vf_set(EXP_MIN)), vf_set(EXP_MAX));
	EACH(i, n, 2)
		t[i] = vf_fma(x[i], vf_set(EXP_LOG2E), vf_set(EXP_ROUND));
	EACH(i, n, 2)
		m[i] = vf_sub(t[i], vf_set(EXP_ROUND));
	EACH(i, n, 2)
		r[i] = vf_fma(m[i], vf_set(-EXP_LN2_HI), x[i]);
	EACH(i, n, 2)
		r[i] = vf_fma(m[i], vf_set(-EXP_LN2_LO), r[i]);
	EACH(i, n, 2)
		p[i] = vf_fma(vf_set(EXP_C7), r[i], vf_set(EXP_C6));
	EACH(i, n, 2)
		p[i] = vf_fma(p[i], r[i], vf_set(EXP_C5));
	EACH(i, n, 2)
		p[i] = vf_fma(p[i], r[i], vf_set(EXP_C4));
	EACH(i, n, 2)
		p[i] = vf_fma(p[i], r[i], vf_set(EXP_C3));
	EACH(i, n, 2)
		p[i] = vf_fma(p[i], r[i], vf_set(EXP_C2));
	EACH(i, n, 2)
		p[i] = vf_add(vf_fma(p[i], vf_mul(r[i], r[i]), r[i]), vf_set(1));
	EACH(i, n, 2)
		x[i] = vf_scale2(p[i], t[i]);
}
VF_FN vf vf_exp(vf x)
{
	vf_exps(&x, 1);
	return x;
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

#endif
