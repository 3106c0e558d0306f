/* SPDX-License-Identifier: Apache-2.0
 *
 * v16: sixteen lanes as one zmm register. v16_avx2.h has the same names over pairs of ymm, so that code which only thinks in lanes
 * is written once.
 */
#ifndef TT_KERN_V16_H
#define TT_KERN_V16_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef __m512 vf;
typedef __m512i vi;

#define VF_FN static inline __attribute__((always_inline))

VF_FN vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
VF_FN void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
/* The first `left` of 16 numbers, and zeros; nothing beyond them is touched. */
VF_FN __mmask16 first_lanes(size_t left) { return (__mmask16)(left >= 16 ? 0xffffu : (1u << left) - 1); }
VF_FN vf vf_load_n(const float *p, size_t left) { return _mm512_maskz_loadu_ps(first_lanes(left), p); }
VF_FN void vf_store_n(float *p, size_t left, vf a) { _mm512_mask_storeu_ps(p, first_lanes(left), a); }
VF_FN vf vf_set(float a) { return _mm512_set1_ps(a); }
VF_FN vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
VF_FN vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
VF_FN vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
VF_FN vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
VF_FN vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
VF_FN vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
VF_FN vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
VF_FN vf vf_ceil(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }
/* a b - c in even lanes, a b + c in odd ones */
VF_FN vf vf_fma_sub(vf a, vf b, vf c)
{
	return _mm512_fmadd_ps(a, b, _mm512_xor_ps(c, _mm512_castsi512_ps(_mm512_set1_epi64(0x80000000))));
}
/* The even lanes, or the odd ones, twice each */
VF_FN vf vf_evens(vf a) { return _mm512_permute_ps(a, 0xa0); }
VF_FN vf vf_odds(vf a) { return _mm512_permute_ps(a, 0xf5); }
/* Each lane and its neighbour, 2i and 2i + 1, change places */
VF_FN vf vf_swap(vf a) { return _mm512_permute_ps(a, 0xb1); }
VF_FN vi vi_swap(vi a) { return _mm512_shuffle_epi32(a, 0xb1); }
VF_FN vf vf_neg(vf a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)); }
VF_FN vf vf_of(vi a) { return _mm512_cvtepi32_ps(a); }
VF_FN vi vi_of(vf a) { return _mm512_cvtps_epi32(a); }		/* nearest, ties to even */
VF_FN vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
VF_FN vi vi_set(int32_t a) { return _mm512_set1_epi32(a); }
VF_FN vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
VF_FN vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
VF_FN vi vi_mul(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
VF_FN vi vi_or(vi a, vi b) { return _mm512_or_si512(a, b); }
VF_FN vi vi_shl(vi a, int n) { return _mm512_slli_epi32(a, (unsigned)n); }
VF_FN vi vi_half(vi a) { return _mm512_srai_epi32(a, 1); }
VF_FN __m256i vi_even(vi a) { return _mm512_cvtepi64_epi32(a); }	/* lanes 0 2 4 .. 14 */
/* c + the sums of products of pairs of 16-bit numbers */
#ifdef __AVX512VNNI__
VF_FN vi vi_dot16(vi c, vi a, vi b) { return _mm512_dpwssd_epi32(c, a, b); }
#else
VF_FN vi vi_dot16(vi c, vi a, vi b) { return _mm512_add_epi32(c, _mm512_madd_epi16(a, b)); }
#endif
VF_FN void vi_store(void *p, vi a) { _mm512_storeu_si512(p, a); }
VF_FN void vi_store8(int8_t *p, vi a) { _mm_storeu_si128((void *)p, _mm512_cvtepi32_epi8(a)); }
VF_FN void vi_store16(int16_t *p, vi a) { _mm256_storeu_si256((void *)p, _mm512_cvtsepi32_epi16(a)); }
/* a * 2^n, n in the low bits of the float b */
VF_FN vf vf_scale2(vf a, vf b)
{
	return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_slli_epi32(_mm512_castps_si512(b), 23)));
}
/* a in lanes from <= i < to, `other` elsewhere */
VF_FN vf vf_between(vf a, int from, int to, float other)
{
	const __m512i i = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	__mmask16 in = (__mmask16)(_mm512_cmpgt_epi32_mask(_mm512_set1_epi32(to), i) & ~_mm512_cmpgt_epi32_mask(_mm512_set1_epi32(from), i));
	return _mm512_mask_mov_ps(_mm512_set1_ps(other), in, a);
}
/* Two halves, for reductions */
VF_FN vf vf_join(__m256 low, __m256 high) { return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1); }
VF_FN vi vi_join(__m256i low, __m256i high) { return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1); }
VF_FN __m256 vf_low(vf a) { return _mm512_castps512_ps256(a); }
VF_FN __m256 vf_high(vf a) { return _mm512_extractf32x8_ps(a, 1); }
VF_FN __m256i vi_low(vi a) { return _mm512_castsi512_si256(a); }
VF_FN __m256i vi_high(vi a) { return _mm512_extracti64x4_epi64(a, 1); }

#endif
