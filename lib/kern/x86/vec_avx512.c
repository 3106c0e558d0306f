/* SPDX-License-Identifier: Apache-2.0
 *
 * act and vec at the avx512 level: the formulas of ref/act.c and ref/vec.c with a lane for each of 16 values. Tails are masked; a
 * masked lane adds fmaf(0, 0, s) = s, as the absent values of the reference do.
 */
#include "lib/kern/x86/avx512.h"
#include "lib/kern/x86/pair_sums.h"

/* ---- activations ---- */

/* Four pairs of groups, each 4 lanes in a half of y[i], come out of two rounds of pairwise shuffles as half h: groups h, 2 + h, 4 + h, 6 + h. */
INLINE __m256i group_order(__m256i v)
{
	return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* Largest |x| of 8 groups of 16. */
INLINE __m256 group_max(const __m512 *v)
{
	__m256 y[4], z[2];
	UNROLL
	for (int i = 0; i < 4; i++) {
		__m512 a = _mm512_abs_ps(v[2 * i]), b = _mm512_abs_ps(v[2 * i + 1]);
		__m256 ma = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
		__m256 mb = _mm256_max_ps(_mm512_castps512_ps256(b), _mm512_extractf32x8_ps(b, 1));
		y[i] = _mm256_max_ps(_mm256_permute2f128_ps(ma, mb, 0x20), _mm256_permute2f128_ps(ma, mb, 0x31));
	}
	for (int i = 0; i < 2; i++)
		z[i] = _mm256_max_ps(_mm256_shuffle_ps(y[2 * i], y[2 * i + 1], 0x44), _mm256_shuffle_ps(y[2 * i], y[2 * i + 1], 0xee));
	__m256 m = _mm256_max_ps(_mm256_shuffle_ps(z[0], z[1], 0x88), _mm256_shuffle_ps(z[0], z[1], 0xdd));
	return _mm256_castsi256_ps(group_order(_mm256_castps_si256(m)));
}

static void block(const float *x, size_t n, enum act_form form, struct act_block *o)
{
	__m512 v[16];
	UNROLL
	for (int g = 0; g < 16; g++) {
		size_t left = n > (size_t)g * 16 ? n - (size_t)g * 16 : 0;
		v[g] = left >= 16 ? _mm512_loadu_ps(x + 16 * g) : _mm512_maskz_loadu_ps((__mmask16)((1u << left) - 1), x + (left ? 16 * g : 0));
	}
	bool is16 = form == ACT_G16;
	__m512 amax = _mm512_insertf32x8(_mm512_castps256_ps512(group_max(v)), group_max(v + 8), 1);
	if (!is16)	/* groups of 32: both halves get the larger */
		amax = _mm512_max_ps(amax, _mm512_permute_ps(amax, 0xb1));
	float m = _mm512_reduce_max_ps(amax), s_max = is16 ? ACT_G16_MAX : ACT_G32_MAX;
	bool is_zero = !(m > 1e-30f);
	float d = is_zero ? 0 : m * (is16 ? 1.0f / (127 * ACT_G16_MAX) : 1.0f / (127 * ACT_G32_MAX)), per_m = is_zero ? 0 : s_max / m;
	__m512 s = _mm512_roundscale_ps(_mm512_mul_ps(amax, _mm512_set1_ps(per_m)), _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
	s = _mm512_min_ps(_mm512_max_ps(s, _mm512_set1_ps(1)), _mm512_set1_ps(s_max));
	__m512 inv = is_zero ? _mm512_setzero_ps() : _mm512_div_ps(_mm512_set1_ps(1), _mm512_mul_ps(_mm512_set1_ps(d), s));
	float invs[16];
	_mm512_storeu_ps(invs, inv);
	UNROLL
	for (int g = 0; g < 16; g++) {
		const __m512 magic = _mm512_set1_ps(0x1.8p23f);
		__m512 c = _mm512_sub_ps(_mm512_add_ps(_mm512_mul_ps(v[g], _mm512_set1_ps(invs[g])), magic), magic);
		c = _mm512_min_ps(_mm512_max_ps(c, _mm512_set1_ps(-127)), _mm512_set1_ps(127));
		_mm_storeu_si128((void *)(o->x + 16 * g), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(c)));
	}
	memset((char *)o + sizeof o->x, 0, sizeof *o - sizeof o->x);
	__m256i p0 = pair_sums(o->x), p1 = pair_sums(o->x + 128), one16 = _mm256_set1_epi16(1);
	__m512i sum = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_madd_epi16(p0, one16)), _mm256_madd_epi16(p1, one16), 1);
	__m512i si = _mm512_cvttps_epi32(s), s2 = _mm512_or_si512(si, _mm512_slli_epi32(si, 16)), sb = is16 ? _mm512_mullo_epi32(si, sum) : sum;
	/* pairs of groups: lanes 2j and 2j + 1 get the sum of both; then every second lane */
	sb = _mm512_add_epi32(sb, _mm512_shuffle_epi32(sb, 0xb1));
	if (is16) {
		_mm512_storeu_si512(o->g16.s, s2);
		_mm512_storeu_si512(o->g16.nb, _mm512_sub_epi32(_mm512_setzero_si512(), sum));
		_mm256_storeu_ps(o->g16.b32, _mm256_cvtepi32_ps(_mm512_cvtepi64_epi32(sb)));
	} else {
		sb = _mm512_srai_epi32(_mm512_add_epi32(_mm512_mullo_epi32(sb, si), _mm512_set1_epi32(1)), 1);
		_mm256_storeu_si256((void *)o->g32.s, _mm512_cvtepi64_epi32(s2));
		_mm_storeu_si128((void *)o->g32.sb32, _mm256_cvtepi32_epi16(_mm512_cvtepi64_epi32(sb)));
		_mm512_storeu_si512(o->g32.start, _mm512_sub_epi32(_mm512_set1_epi32(1), _mm512_slli_epi32(sum, 5)));
		_mm256_storeu_si256((void *)o->g32.start2[0], _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_slli_epi16(p0, 5)));
		_mm256_storeu_si256((void *)o->g32.start2[8], _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_slli_epi16(p1, 5)));
	}
	o->d = d;
}

void act_avx512(const float *x, size_t n, enum act_form form, struct act_block *out)
{
	for (; n >= 256; n -= 256, x += 256)
		block(x, 256, form, out++);
	if (n)
		block(x, n, form, out);
}

/* ---- rows ---- */

void rmsnorm_avx512(const float *x, const float *w, float eps, size_t n, float *y)
{
	__m512 s = _mm512_setzero_ps();
	for (size_t i = 0; i < n; i += 16) {
		__m512 v = load(x + i, n - i);
		s = _mm512_fmadd_ps(v, v, s);
	}
	__m512 scale = _mm512_set1_ps(1.0f / sqrtf(tree(s) / (float)n + eps));
	for (size_t i = 0; i < n; i += 16) {
		__m512 v = _mm512_mul_ps(load(x + i, n - i), scale);
		store(y + i, n - i, w ? _mm512_mul_ps(v, load(w + i, n - i)) : v);
	}
}

/* g / (1 + exp(-a)) * u */
INLINE __m512 gate(__m512 g, __m512 a, __m512 u)
{
	__m512 e = exp512(_mm512_xor_ps(a, _mm512_set1_ps(-0.0f)));
	return _mm512_mul_ps(_mm512_div_ps(g, _mm512_add_ps(_mm512_set1_ps(1), e)), u);
}

void silu_mul_avx512(const float *g, const float *u, size_t n, float *y)
{
	for (size_t i = 0; i < n; i += 16) {
		__m512 v = load(g + i, n - i);
		store(y + i, n - i, gate(v, v, load(u + i, n - i)));
	}
}

void gelu_mul_avx512(const float *g, const float *u, size_t n, float *y)
{
	for (size_t i = 0; i < n; i += 16) {
		__m512 v = load(g + i, n - i), c = _mm512_mul_ps(_mm512_mul_ps(_mm512_set1_ps(GELU_B), v), v);
		__m512 z = _mm512_mul_ps(_mm512_set1_ps(GELU_A), _mm512_fmadd_ps(c, v, v));
		store(y + i, n - i, gate(v, _mm512_mul_ps(_mm512_set1_ps(2), z), load(u + i, n - i)));
	}
}

void add_avx512(const float *x, size_t n, float *y)
{
	for (size_t i = 0; i < n; i += 16)
		store(y + i, n - i, _mm512_add_ps(load(x + i, n - i), load(y + i, n - i)));
}

/* Pairs half a head apart: one vector of firsts and one of seconds. */
static void rope_halves(float *x, const float *cos, const float *sin, size_t n)
{
	for (size_t i = 0; i < n; i += 16) {
		__m512 a = load(x + i, n - i), b = load(x + i + n, n - i), c = load(cos + i, n - i), s = load(sin + i, n - i);
		store(x + i, n - i, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)));
		store(x + i + n, n - i, _mm512_fmadd_ps(a, s, _mm512_mul_ps(b, c)));
	}
}

void rope_avx512(float *x, size_t n_head, size_t d_head, const float *cos, const float *sin, size_t n, bool norm)
{
	const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
	const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
	const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
	const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
	for (size_t h = 0; h < n_head; h++, x += d_head) {
		if (!norm) {
			rope_halves(x, cos, sin, n);
			continue;
		}
		for (size_t i = 0; i < n; i += 16) {
			size_t left = 2 * (n - i), left2 = left > 16 ? left - 16 : 0;
			__m512 p = load(x + 2 * i, left), q = left2 ? load(x + 2 * i + 16, left2) : _mm512_setzero_ps();
			__m512 a = _mm512_permutex2var_ps(p, even, q), b = _mm512_permutex2var_ps(p, odd, q);
			__m512 c = load(cos + i, n - i), s = load(sin + i, n - i);
			__m512 ra = _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)), rb = _mm512_fmadd_ps(a, s, _mm512_mul_ps(b, c));
			store(x + 2 * i, left, _mm512_permutex2var_ps(ra, low, rb));
			if (left2)
				store(x + 2 * i + 16, left2, _mm512_permutex2var_ps(ra, high, rb));
		}
	}
}

float softmax_sum_avx512(const float *x, size_t n, float *y)
{
	__m512 m = _mm512_set1_ps(-INFINITY), s = _mm512_setzero_ps();
	for (size_t i = 0; i < n; i += 16)
		m = _mm512_mask_max_ps(m, mask(n - i), load(x + i, n - i), m);
	__m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(m));
	for (size_t i = 0; i < n; i += 16) {
		__m512 e = exp512(_mm512_sub_ps(load(x + i, n - i), top));
		s = _mm512_mask_add_ps(s, mask(n - i), s, e);
		store(y + i, n - i, e);
	}
	return tree(s);
}
