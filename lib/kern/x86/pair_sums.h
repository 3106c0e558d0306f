/* SPDX-License-Identifier: Apache-2.0
 *
 * pair_sums: sums of activation codes as VPMADDUBSW and VPMADDWD form them, for act at every x86 level.
 */
#ifndef TT_KERN_PAIR_SUMS_H
#define TT_KERN_PAIR_SUMS_H

#include <immintrin.h>

#include "lib/kern/x86/x86.h"

/* Of 8 groups of 16 codes: the sums of codes 0 and 1, and of 2 and 3, of each four. */
INLINE __m256i pair_sums(const int8_t *x)
{
	const __m256i one = _mm256_set1_epi8(1);
	__m256i v[4];
	UNROLL
	for (int j = 0; j < 4; j++)
		v[j] = _mm256_maddubs_epi16(one, _mm256_loadu_si256((const void *)(x + 32 * j)));
	/* sums over the 4 lanes of each 128 bits: of v[j], in lane j */
	__m256i a = _mm256_add_epi16(_mm256_unpacklo_epi32(v[0], v[1]), _mm256_unpackhi_epi32(v[0], v[1]));
	__m256i b = _mm256_add_epi16(_mm256_unpacklo_epi32(v[2], v[3]), _mm256_unpackhi_epi32(v[2], v[3]));
	a = _mm256_add_epi16(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
	/* groups 0 2 4 6 | 1 3 5 7: in order */
	return _mm256_permutevar8x32_epi32(a, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

#endif
