/* SPDX-License-Identifier: Apache-2.0
 *
 * kv at the avx2 level, used by the levels above as well: a position has too few values for wider vectors to matter.
 */
#include <immintrin.h>

#include "lib/kern/ref/ref.h"
#include "lib/kern/x86/x86.h"

#define VECS_A_GROUP (KV_GROUP / 8)

static float top_of(const __m256 v[VECS_A_GROUP])
{
	/* MAXPS gives its second operand when the first is NaN: such a value counts for nothing, as in ref */
	__m256 m = _mm256_setzero_ps(), sign = _mm256_set1_ps(-0.0f);
	for (int i = 0; i < VECS_A_GROUP; i++)
		m = _mm256_max_ps(_mm256_andnot_ps(sign, v[i]), m);
	__m128 h = _mm_max_ps(_mm256_castps256_ps128(m), _mm256_extractf128_ps(m, 1));
	h = _mm_max_ps(h, _mm_movehl_ps(h, h));
	return _mm_cvtss_f32(_mm_max_ss(h, _mm_movehdup_ps(h)));
}

static __m256i codes_of(__m256 v, __m256 d)
{
	__m256 q = _mm256_div_ps(v, d), top = _mm256_set1_ps(127);
	q = _mm256_and_ps(q, _mm256_cmp_ps(q, q, _CMP_ORD_Q));
	return _mm256_cvtps_epi32(_mm256_max_ps(_mm256_min_ps(q, top), _mm256_set1_ps(-127)));
}

void kv_round_avx2(const float *x, size_t n, int8_t *code, uint8_t *scale)
{
	for (; n >= KV_GROUP; n -= KV_GROUP, x += KV_GROUP, code += KV_GROUP, scale += 2) {
		__m256 v[VECS_A_GROUP];
		for (int i = 0; i < VECS_A_GROUP; i++)
			v[i] = _mm256_loadu_ps(x + 8 * i);
		__m128i half = _mm_cvtps_ph(_mm_set_ss(min2(top_of(v) / 127.0f, 65504.0f)), 0);
		uint16_t h = (uint16_t)_mm_extract_epi16(half, 0);
		memcpy(scale, &h, sizeof h);
		__m256 d = _mm256_broadcastss_ps(_mm_cvtph_ps(half));
		__m256i c = _mm256_setzero_si256();
		if (h) {
			__m256i a = _mm256_packs_epi32(codes_of(v[0], d), codes_of(v[1], d));
			__m256i b = _mm256_packs_epi32(codes_of(v[2], d), codes_of(v[3], d));
			c = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
		}
		_mm256_storeu_si256((void *)code, c);
	}
}

void kv_widen_avx2(const int8_t *code, const uint8_t *scale, size_t n, float *y)
{
	for (size_t i = 0; i < n; i += 8) {
		uint16_t h;
		memcpy(&h, scale + i / KV_GROUP * 2, sizeof h);
		__m256 d = _mm256_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
		__m256i c = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)(code + i)));
		_mm256_storeu_ps(y + i, _mm256_mul_ps(d, _mm256_cvtepi32_ps(c)));
	}
}
