/* SPDX-License-Identifier: Apache-2.0
 *
 * scan for AVX2 (Haswell, Zen and later): bytes are widened and VPMADDWD adds pairs of products exactly. Two sums hide its latency.
 */
#include "lib/kern/scan.h"

#include <immintrin.h>

static __m256i wide(const int8_t *p)
{
	return _mm256_cvtepi8_epi16(_mm_load_si128((const void *)p));
}

static int32_t total(__m256i v)
{
	__m128i x = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
	x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
	x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1));
	return _mm_cvtsi128_si32(x);
}

void scan_avx2(const int8_t *row, size_t n_row, size_t stride, const int8_t *q, int32_t *out)
{
	for (size_t r = 0; r < n_row; r++, row += stride) {
		__m256i a = _mm256_setzero_si256(), b = a;
		for (size_t i = 0; i < stride; i += 32) {
			a = _mm256_add_epi32(a, _mm256_madd_epi16(wide(row + i), wide(q + i)));
			b = _mm256_add_epi32(b, _mm256_madd_epi16(wide(row + i + 16), wide(q + i + 16)));
		}
		out[r] = total(_mm256_add_epi32(a, b));
	}
}
