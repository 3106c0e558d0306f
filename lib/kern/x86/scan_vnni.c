/* SPDX-License-Identifier: Apache-2.0
 *
 * scan for AVX-512 VNNI (Ice Lake, Zen 4 and later): VPDPBUSD wants one side unsigned, so rows are taken 128 higher (the top bit
 * flipped) and 128 times the sum of q is taken off. Four rows share each load of q.
 */
#include "lib/kern/scan.h"

#include <immintrin.h>

static __m512i add(__m512i sum, const int8_t *row, __m512i q)
{
	return _mm512_dpbusd_epi32(sum, _mm512_xor_si512(_mm512_load_si512(row), _mm512_set1_epi8((char)-128)), q);
}

void scan_vnni(const int8_t *row, size_t n_row, size_t stride, const int8_t *q, int32_t *out)
{
	__m512i ones = _mm512_setzero_si512();
	for (size_t i = 0; i < stride; i += 64)
		ones = _mm512_dpbusd_epi32(ones, _mm512_set1_epi8(1), _mm512_load_si512(q + i));
	int32_t off = 128 * _mm512_reduce_add_epi32(ones);
	size_t r = 0;
	for (; r + 4 <= n_row; r += 4, row += 4 * stride) {
		__m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
		for (size_t i = 0; i < stride; i += 64) {
			__m512i x = _mm512_load_si512(q + i);
			a = add(a, row + i, x);
			b = add(b, row + stride + i, x);
			c = add(c, row + 2 * stride + i, x);
			d = add(d, row + 3 * stride + i, x);
		}
		out[r] = _mm512_reduce_add_epi32(a) - off;
		out[r + 1] = _mm512_reduce_add_epi32(b) - off;
		out[r + 2] = _mm512_reduce_add_epi32(c) - off;
		out[r + 3] = _mm512_reduce_add_epi32(d) - off;
	}
	for (; r < n_row; r++, row += stride) {
		__m512i a = _mm512_setzero_si512();
		for (size_t i = 0; i < stride; i += 64)
			a = add(a, row + i, _mm512_load_si512(q + i));
		out[r] = _mm512_reduce_add_epi32(a) - off;
	}
}
