/* SPDX-License-Identifier: Apache-2.0
 *
 * ref: the kernels in plain C. They are the specification: every other level is compared with them byte by byte.
 */
#ifndef TT_KERN_REF_H
#define TT_KERN_REF_H

#include <math.h>
#include <string.h>

#include "lib/kern/kern.h"

void mat_quant_ref(const struct mat *w, size_t tile, size_t n_tile, const void *x, size_t n_tok, const struct mat_out *o);
void mat_float_ref(const struct mat *w, size_t tile, size_t n_tile, const void *x, size_t n_tok, const struct mat_out *o);
void act_ref(const float *x, size_t n, enum act_form form, struct act_block *out);
void rmsnorm_ref(const float *x, const float *w, float eps, size_t n, float *y);
void silu_mul_ref(const float *g, const float *u, size_t n, float *y);
void gelu_mul_ref(const float *g, const float *u, size_t n, float *y);
void add_ref(const float *x, size_t n, float *y);
void rope_ref(float *x, size_t n_head, size_t d_head, const float *cos, const float *sin, size_t n, bool norm);
void kv_round_ref(const float *x, size_t n, int8_t *code, uint8_t *scale);
void kv_widen_ref(const int8_t *code, const uint8_t *scale, size_t n, float *y);
void kv_put_ref(const float *k, const float *v, size_t d, size_t pos, int16_t *k_base, int16_t *v_base);
void attn_ref(const struct attn *a, const struct attn_row *row, size_t n_row);
float softmax_sum_ref(const float *x, size_t n, float *y);

/* Sum of 16 lanes as a tree. Destroys them. */
static inline float tree16(float s[16])
{
	for (int step = 8; step; step /= 2)
		for (int i = 0; i < step; i++)
			s[i] += s[i + step];
	return s[0];
}

/* The larger of two, as MAXPS picks it: the second when they are equal or one is NaN. */
static inline float max2(float a, float b)
{
	return a > b ? a : b;
}
static inline float min2(float a, float b)
{
	return a < b ? a : b;
}

/* exp(x) within 2 ulp for x in [EXP_MIN, EXP_MAX], clamped to it outside. x = n ln 2 + r, |r| <= ln(2) / 2, where adding ROUND puts n
 * into the low bits of a float; exp(r) is its Taylor series to r^7 (the rest is below r^8 / 8! = 5e-9); 2^n goes into the exponent. */
#define EXP_MIN -87.0f
#define EXP_MAX 88.0f
#define EXP_ROUND 0x1.8p23f
#define EXP_LOG2E 0x1.715476p+0f
#define EXP_LN2_HI 0x1.62e4p-1f		/* 15 bits: n * hi is exact */
#define EXP_LN2_LO 0x1.7f7d1cp-20f	/* ln 2 - hi */
#define EXP_C2 0.5f
#define EXP_C3 (1.0f / 6)
#define EXP_C4 (1.0f / 24)
#define EXP_C5 (1.0f / 120)
#define EXP_C6 (1.0f / 720)
#define EXP_C7 (1.0f / 5040)

/* Nearest integer, ties to even, of |v| <= 2^22. */
static inline float nearest(float v)
{
	return v + EXP_ROUND - EXP_ROUND;
}

static inline float exp_ref(float x)
{
	x = min2(max2(x, EXP_MIN), EXP_MAX);
	float t = fmaf(x, EXP_LOG2E, EXP_ROUND), n = t - EXP_ROUND;
	float r = fmaf(n, -EXP_LN2_LO, fmaf(n, -EXP_LN2_HI, x));
	float p = fmaf(EXP_C7, r, EXP_C6);
	p = fmaf(p, r, EXP_C5);
	p = fmaf(p, r, EXP_C4);
	p = fmaf(p, r, EXP_C3);
	p = fmaf(p, r, EXP_C2);
	p = fmaf(p, r * r, r) + 1.0f;
	uint32_t bits, shift;
	memcpy(&bits, &p, 4);
	memcpy(&shift, &t, 4);
	bits += shift << 23;
	memcpy(&p, &bits, 4);
	return p;
}

/* Weights of attention are powers of two: 2^y = 2^n 2^r, n = round(y), |r| <= 1/2. 2^r is a polynomial with p(0) = 1 whose largest relative
 * error is least, 9e-8 (1.6e-7 in floats). n is not taken below POW2_MIN, so that nothing is denormal. */
#define POW2_MIN -125.0f
#define POW2_C1 0x1.62e42ap-1f
#define POW2_C2 0x1.ebf9bcp-3f
#define POW2_C3 0x1.c6b752p-5f
#define POW2_C4 0x1.3cea88p-7f
#define POW2_C5 0x1.5bba14p-10f

/* p 2^n, where t = n + EXP_ROUND. */
static inline float pow2_scale(float p, float t)
{
	uint32_t bits, shift;
	t = max2(t, EXP_ROUND + POW2_MIN);
	memcpy(&bits, &p, 4);
	memcpy(&shift, &t, 4);
	bits += shift << 23;
	memcpy(&p, &bits, 4);
	return p;
}

/* 2^(s k - m) for an integer m. */
static inline float pow2_ref(float s, float k, float m)
{
	float t = fmaf(s, k, EXP_ROUND - m), r = fmaf(s, k, (EXP_ROUND - m) - t);
	float p = fmaf(POW2_C5, r, POW2_C4);
	p = fmaf(p, r, POW2_C3);
	p = fmaf(p, r, POW2_C2);
	p = fmaf(p, r, POW2_C1);
	return pow2_scale(fmaf(p, r, 1.0f), t);
}

/* Codes of queries and keys are at most this: d_head products stay below 2^31. */
static inline float attn_qk_max(size_t d_head)
{
	return floorf(sqrtf(2147483392.0f / (float)d_head));
}
/* The same for values and weights, 32 products. A weight is at most the square root of 2 before its position's scale comes to it. */
#define ATTN_V_MAX 8191.0f
#define ATTN_W_MAX 5791.0f

/* Vectors whose largest value is below this have codes and a scale of 0: the inverse of a scale must not overflow. */
#define ATTN_TINY 1e-30f

/* What scores, as they come from codes of a query with the scale q_scale, are multiplied by to be exponents of two. */
static inline float attn_unit(const struct attn *a, float q_scale)
{
	return a->scale * EXP_LOG2E * q_scale;
}

#define GELU_A 0x1.988454p-1f	/* sqrt(2 / pi) */
#define GELU_B 0.044715f

#endif
