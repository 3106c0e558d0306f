/* SPDX-License-Identifier: Apache-2.0
 *
 * vec_lanes: act and vec at the levels avx2 and avx512: the formulas of ref/act.c and ref/vec.c in lanes of 16 (v16_*.h is included before
 * this). Lanes beyond a row's end are zeros, and fmaf(0, 0, s) = s: they count as little as the absent values of the reference. The including
 * file defines LEVEL(name), what a kernel is called.
 */
#include "lib/kern/x86/pair_sums.h"
#include "lib/kern/x86/v16_lanes.h"

/* ---- activations ---- */

/* Largest |x| of 8 groups of 16. */
VF_FN __m256 group_max(const float *x)
{
	const __m256 sign = _mm256_set1_ps(-0.0f);
	__m256 g[8], pairs[4], fours[2];
	UNROLL
	for (int i = 0; i < 8; i++)
		g[i] = _mm256_max_ps(_mm256_andnot_ps(sign, _mm256_loadu_ps(x + 16 * i)), _mm256_andnot_ps(sign, _mm256_loadu_ps(x + 16 * i + 8)));
	/* 4 lanes a group in a half: groups 0 | 1 and so on; then 2 lanes, 0 2 | 1 3; then one, 0 2 4 6 | 1 3 5 7 */
	UNROLL
	for (int i = 0; i < 4; i++)
		pairs[i] = _mm256_max_ps(_mm256_permute2f128_ps(g[2 * i], g[2 * i + 1], 0x20), _mm256_permute2f128_ps(g[2 * i], g[2 * i + 1], 0x31));
	UNROLL
	for (int i = 0; i < 2; i++)
		fours[i] = _mm256_max_ps(_mm256_shuffle_ps(pairs[2 * i], pairs[2 * i + 1], 0x44),
			_mm256_shuffle_ps(pairs[2 * i], pairs[2 * i + 1], 0xee));
	__m256 m = _mm256_max_ps(_mm256_shuffle_ps(fours[0], fours[1], 0x88), _mm256_shuffle_ps(fours[0], fours[1], 0xdd));
	return _mm256_permutevar8x32_ps(m, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

struct scaled {		/* a block's groups */
	vf s;
	float inv[16];	/* 1 / (d s) */
};

VF_FN void scale(const float *x, enum act_form form, struct scaled *g, struct act_block *o)
{
	bool is16 = form == ACT_G16;
	float s_max = is16 ? ACT_G16_MAX : ACT_G32_MAX;
	vf amax = vf_join(group_max(x), group_max(x + 128));
	if (!is16)	/* groups of 32: both halves get the larger */
		amax = vf_max(amax, vf_swap(amax));
	float m = vf_top(amax);
	bool is_zero = !(m > 1e-30f);
	float per_m = is_zero ? 0 : s_max / m;
	memset((char *)o + sizeof o->x, 0, sizeof *o - sizeof o->x);
	o->d = is_zero ? 0 : m * (is16 ? 1.0f / (127 * ACT_G16_MAX) : 1.0f / (127 * ACT_G32_MAX));
	g->s = vf_min(vf_max(vf_ceil(vf_mul(amax, vf_set(per_m))), vf_set(1)), vf_set(s_max));
	vf_store(g->inv, is_zero ? vf_set(0) : vf_div(vf_set(1), vf_mul(vf_set(o->d), g->s)));
}

/* What the kernels need besides the codes: their scales s, and sums of codes, alone and scaled (ref/act.c). */
VF_FN void sums(enum act_form form, vf s, struct act_block *o)
{
	const __m256i one = _mm256_set1_epi16(1), zero = _mm256_setzero_si256();
	__m256i p0 = pair_sums(o->x), p1 = pair_sums(o->x + 128);
	vi b = vi_join(_mm256_madd_epi16(p0, one), _mm256_madd_epi16(p1, one)), si = vi_of(s), s2 = vi_or(si, vi_shl(si, 16));
	vi sb = form == ACT_G16 ? vi_mul(si, b) : b;
	sb = vi_add(sb, vi_swap(sb));	/* of pairs of groups, in both lanes */
	if (form == ACT_G16) {
		vi_store(o->g16.s, s2);
		vi_store(o->g16.nb, vi_sub(vi_set(0), b));
		_mm256_storeu_ps(o->g16.b32, _mm256_cvtepi32_ps(vi_even(sb)));
		return;
	}
	__m256i half = vi_even(vi_half(vi_add(vi_mul(sb, si), vi_set(1))));
	_mm256_storeu_si256((void *)o->g32.s, vi_even(s2));
	_mm_storeu_si128((void *)o->g32.sb32, _mm_packs_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
	vi_store(o->g32.start, vi_sub(vi_set(1), vi_shl(b, 5)));
	_mm256_storeu_si256((void *)o->g32.start2[0], _mm256_sub_epi16(zero, _mm256_slli_epi16(p0, 5)));
	_mm256_storeu_si256((void *)o->g32.start2[8], _mm256_sub_epi16(zero, _mm256_slli_epi16(p1, 5)));
}

#define TOGETHER 4	/* blocks whose scales, a long chain of steps that wait for each other, are found side by side */

static void blocks(const float *x, size_t n, enum act_form form, struct act_block *o)
{
	struct scaled g[TOGETHER];
	for (size_t i = 0; i < n; i++)
		scale(x + 256 * i, form, g + i, o + i);
	for (size_t i = 0; i < n; i++) {
		UNROLL
		for (int k = 0; k < 16; k++)
			vi_store8(o[i].x + 16 * k, code(vf_load(x + 256 * i + 16 * k), vf_set(g[i].inv[k]), 127));
		sums(form, g[i].s, o + i);
	}
}

void LEVEL(act)(const float *x, size_t n, enum act_form form, struct act_block *out)
{
	for (size_t k; n >= 256; n -= 256 * k, x += 256 * k, out += k) {
		k = n / 256 < TOGETHER ? n / 256 : TOGETHER;
		blocks(x, k, form, out);
	}
	if (n) {
		float rest[256] = { 0 };
		memcpy(rest, x, n * sizeof *x);
		blocks(rest, 1, form, out);
	}
}

/* ---- rows ---- */

void LEVEL(rmsnorm)(const float *x, const float *w, float eps, size_t n, float *y)
{
	vf s = vf_set(0);
	for (size_t i = 0; i < n; i += 16) {
		vf v = vf_load_n(x + i, n - i);
		s = vf_fma(v, v, s);
	}
	vf by = vf_set(1.0f / sqrtf(vf_sum(s) / (float)n + eps));
	for (size_t i = 0; i < n; i += 16) {
		vf v = vf_mul(vf_load_n(x + i, n - i), by);
		vf_store_n(y + i, n - i, w ? vf_mul(v, vf_load_n(w + i, n - i)) : v);
	}
}

VF_FN vf gelu_arg(vf v)
{
	vf c = vf_mul(vf_mul(vf_set(GELU_B), v), v);
	return vf_mul(vf_set(2), vf_mul(vf_set(GELU_A), vf_fma(c, v, v)));
}

/* y = g / (1 + exp(-a)) * u, a = g or gelu_arg(g), of `left` numbers, at most 16 n. */
VF_FN void gate(const float *g, const float *u, size_t left, float *y, bool is_gelu, int n)
{
	vf v[2], e[2];
	EACH(i, n, 2) {
		v[i] = vf_load_n(g + 16 * i, left - 16 * (size_t)i);
		e[i] = vf_neg(is_gelu ? gelu_arg(v[i]) : v[i]);
	}
	vf_exps(e, n);
	EACH(i, n, 2) {
		size_t n_lane = left - 16 * (size_t)i;
		vf_store_n(y + 16 * i, n_lane, vf_mul(vf_div(v[i], vf_add(vf_set(1), e[i])), vf_load_n(u + 16 * i, n_lane)));
	}
}

VF_FN void glu(const float *g, const float *u, size_t n, float *y, bool is_gelu)
{
	size_t i = 0;
	for (; i + 32 <= n; i += 32)
		gate(g + i, u + i, 32, y + i, is_gelu, 2);
	for (; i < n; i += 16)
		gate(g + i, u + i, n - i, y + i, is_gelu, 1);
}

void LEVEL(silu_mul)(const float *g, const float *u, size_t n, float *y)
{
	glu(g, u, n, y, false);
}

void LEVEL(gelu_mul)(const float *g, const float *u, size_t n, float *y)
{
	glu(g, u, n, y, true);
}

void LEVEL(add)(const float *x, size_t n, float *y)
{
	for (size_t i = 0; i < n; i += 16)
		vf_store_n(y + i, n - i, vf_add(vf_load_n(x + i, n - i), vf_load_n(y + i, n - i)));
}

/* Pairs half a head apart: firsts and seconds. */
VF_FN void rope_halves(float *x, const float *cos, const float *sin, size_t n)
{
	for (size_t i = 0; i < n; i += 16) {
		vf a = vf_load_n(x + i, n - i), b = vf_load_n(x + i + n, n - i), c = vf_load_n(cos + i, n - i), s = vf_load_n(sin + i, n - i);
		vf_store_n(x + i, n - i, vf_fma(a, c, vf_neg(vf_mul(b, s))));
		vf_store_n(x + i + n, n - i, vf_fma(a, s, vf_mul(b, c)));
	}
}

/* x0 y0 x1 y1 .. x7 y7 */
VF_FN vf zip(__m256 x, __m256 y)
{
	__m256 a = _mm256_unpacklo_ps(x, y), b = _mm256_unpackhi_ps(x, y);
	return vf_join(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

VF_FN __m256 load8_n(const float *p, size_t left)
{
	return left >= 8 ? _mm256_loadu_ps(p) : vf_low(vf_load_n(p, left));
}

/* Neighbours are pairs. */
VF_FN void rope_neighbours(float *x, const float *cos, const float *sin, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		__m256 c = load8_n(cos + i, n - i), s = load8_n(sin + i, n - i);
		vf p = vf_load_n(x + 2 * i, 2 * (n - i));
		vf_store_n(x + 2 * i, 2 * (n - i), vf_fma_sub(vf_evens(p), zip(c, s), vf_mul(vf_odds(p), zip(s, c))));
	}
}

void LEVEL(rope)(float *x, size_t n_head, size_t d_head, const float *cos, const float *sin, size_t n, bool norm)
{
	for (size_t h = 0; h < n_head; h++, x += d_head)
		if (norm)
			rope_neighbours(x, cos, sin, n);
		else
			rope_halves(x, cos, sin, n);
}

/* x, and `other` where a row has ended. */
VF_FN vf or_else(vf x, size_t left, float other)
{
	return vf_between(x, 0, left < 16 ? (int)left : 16, other);
}

float LEVEL(softmax_sum)(const float *x, size_t n, float *y)
{
	vf m = vf_set(-INFINITY), s = vf_set(0);
	for (size_t i = 0; i < n; i += 16)
		m = vf_max(or_else(vf_load_n(x + i, n - i), n - i, -INFINITY), m);
	vf top = vf_set(vf_top(m));
	for (size_t i = 0; i < n; i += 16) {
		vf e = vf_exp(vf_sub(vf_load_n(x + i, n - i), top));
		s = vf_add(s, or_else(e, n - i, 0));
		vf_store_n(y + i, n - i, e);
	}
	return vf_sum(s);
}
