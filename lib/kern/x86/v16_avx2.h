/* SPDX-License-Identifier: Apache-2.0
 *
 * v16: sixteen lanes as two ymm registers. See v16_avx512.h.
 */
#ifndef TT_KERN_V16_H
#define TT_KERN_V16_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct { __m256 a, b; } vf;
typedef struct { __m256i a, b; } vi;

#define VF_FN static inline __attribute__((always_inline))

VF_FN vf vf_load(const float *p) { return (vf){ _mm256_loadu_ps(p), _mm256_loadu_ps(p + 8) }; }
VF_FN void vf_store(float *p, vf x) { _mm256_storeu_ps(p, x.a); _mm256_storeu_ps(p + 8, x.b); }
/* The first `left` of 16 numbers, and zeros; nothing beyond them is touched. */
VF_FN vf vf_load_n(const float *p, size_t left)
{
	if (left >= 16)
		return vf_load(p);
	float t[16] = { 0 };
	memcpy(t, p, left * sizeof *p);
	return vf_load(t);
}
VF_FN void vf_store_n(float *p, size_t left, vf x)
{
	float t[16];
	if (left >= 16) {
		vf_store(p, x);
		return;
	}
	vf_store(t, x);
	memcpy(p, t, left * sizeof *p);
}
VF_FN vf vf_set(float x) { return (vf){ _mm256_set1_ps(x), _mm256_set1_ps(x) }; }
VF_FN vf vf_add(vf x, vf y) { return (vf){ _mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b) }; }
VF_FN vf vf_sub(vf x, vf y) { return (vf){ _mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b) }; }
VF_FN vf vf_mul(vf x, vf y) { return (vf){ _mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b) }; }
VF_FN vf vf_fma(vf x, vf y, vf z) { return (vf){ _mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b) }; }
VF_FN vf vf_div(vf x, vf y) { return (vf){ _mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b) }; }
VF_FN vf vf_min(vf x, vf y) { return (vf){ _mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b) }; }
VF_FN vf vf_max(vf x, vf y) { return (vf){ _mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b) }; }
VF_FN vf vf_ceil(vf x) { return (vf){ _mm256_ceil_ps(x.a), _mm256_ceil_ps(x.b) }; }
/* x y - z in even lanes, x y + z in odd ones */
VF_FN vf vf_fma_sub(vf x, vf y, vf z) { return (vf){ _mm256_fmaddsub_ps(x.a, y.a, z.a), _mm256_fmaddsub_ps(x.b, y.b, z.b) }; }
/* The even lanes, or the odd ones, twice each */
VF_FN vf vf_evens(vf x) { return (vf){ _mm256_moveldup_ps(x.a), _mm256_moveldup_ps(x.b) }; }
VF_FN vf vf_odds(vf x) { return (vf){ _mm256_movehdup_ps(x.a), _mm256_movehdup_ps(x.b) }; }
/* Each lane and its neighbour, 2i and 2i + 1, change places */
VF_FN vf vf_swap(vf x) { return (vf){ _mm256_permute_ps(x.a, 0xb1), _mm256_permute_ps(x.b, 0xb1) }; }
VF_FN vi vi_swap(vi x) { return (vi){ _mm256_shuffle_epi32(x.a, 0xb1), _mm256_shuffle_epi32(x.b, 0xb1) }; }
VF_FN vf vf_neg(vf x)
{
	__m256 s = _mm256_set1_ps(-0.0f);
	return (vf){ _mm256_xor_ps(x.a, s), _mm256_xor_ps(x.b, s) };
}
VF_FN vf vf_of(vi x) { return (vf){ _mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b) }; }
VF_FN vi vi_of(vf x) { return (vi){ _mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b) }; }	/* nearest, ties to even */
VF_FN vi vi_load(const void *p)
{
	const __m256i *v = p;
	return (vi){ _mm256_loadu_si256(v), _mm256_loadu_si256(v + 1) };
}
VF_FN vi vi_set(int32_t x) { return (vi){ _mm256_set1_epi32(x), _mm256_set1_epi32(x) }; }
VF_FN vi vi_add(vi x, vi y) { return (vi){ _mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b) }; }
VF_FN vi vi_sub(vi x, vi y) { return (vi){ _mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b) }; }
VF_FN vi vi_mul(vi x, vi y) { return (vi){ _mm256_mullo_epi32(x.a, y.a), _mm256_mullo_epi32(x.b, y.b) }; }
VF_FN vi vi_or(vi x, vi y) { return (vi){ _mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b) }; }
VF_FN vi vi_shl(vi x, int n) { return (vi){ _mm256_slli_epi32(x.a, n), _mm256_slli_epi32(x.b, n) }; }
VF_FN vi vi_half(vi x) { return (vi){ _mm256_srai_epi32(x.a, 1), _mm256_srai_epi32(x.b, 1) }; }
VF_FN __m256i vi_even(vi x)	/* lanes 0 2 4 .. 14 */
{
	__m256 v = _mm256_shuffle_ps(_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b), 0x88);
	return _mm256_permute4x64_epi64(_mm256_castps_si256(v), 0xd8);
}
/* z += the sums of products of pairs of 16-bit numbers. The addition is spelled out, or compilers do all of a dozen products first, and
 * run out of registers. */
VF_FN void add_dot16(__m256i *z, __m256i x, __m256i y)
{
	__m256i p = _mm256_madd_epi16(x, y);
	__asm__("vpaddd %1, %0, %0" : "+x"(*z) : "x"(p));
}
VF_FN vi vi_dot16(vi z, vi x, vi y)
{
	add_dot16(&z.a, x.a, y.a);
	add_dot16(&z.b, x.b, y.b);
	return z;
}
VF_FN void vi_store(void *p, vi x)
{
	_mm256_storeu_si256(p, x.a);
	_mm256_storeu_si256((__m256i *)p + 1, x.b);
}
VF_FN void vi_store8(int8_t *p, vi x)
{
	__m256i w = _mm256_packs_epi32(x.a, x.b);
	__m128i b = _mm_packs_epi16(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
	_mm_storeu_si128((void *)p, _mm_shuffle_epi32(b, 0xd8));
}
VF_FN void vi_store16(int16_t *p, vi x)
{
	_mm256_storeu_si256((void *)p, _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xd8));
}
/* x * 2^n, n in the low bits of the float y */
VF_FN vf vf_scale2(vf x, vf y)
{
	return (vf){ _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x.a), _mm256_slli_epi32(_mm256_castps_si256(y.a), 23))),
		_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x.b), _mm256_slli_epi32(_mm256_castps_si256(y.b), 23))) };
}
/* x in lanes from <= i < to, `other` elsewhere */
VF_FN __m256 between8(__m256 x, int from, int to, float other, int at)
{
	const __m256i i = _mm256_add_epi32(_mm256_set1_epi32(at), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
	__m256i in = _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(from), i), _mm256_cmpgt_epi32(_mm256_set1_epi32(to), i));
	return _mm256_blendv_ps(_mm256_set1_ps(other), x, _mm256_castsi256_ps(in));
}
VF_FN vf vf_between(vf x, int from, int to, float other)
{
	return (vf){ between8(x.a, from, to, other, 0), between8(x.b, from, to, other, 8) };
}
/* Two halves, for reductions */
VF_FN vf vf_join(__m256 low, __m256 high) { return (vf){ low, high }; }
VF_FN vi vi_join(__m256i low, __m256i high) { return (vi){ low, high }; }
VF_FN __m256 vf_low(vf x) { return x.a; }
VF_FN __m256 vf_high(vf x) { return x.b; }
VF_FN __m256i vi_low(vi x) { return x.a; }
VF_FN __m256i vi_high(vi x) { return x.b; }

#endif
