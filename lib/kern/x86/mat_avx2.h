/* SPDX-License-Identifier: Apache-2.0
 *
 * mat, avx2: what the matrix kernels for AVX2 share. A lane is a row, so a line of 64 bytes, 4 codes of each of 16 rows, is two vectors.
 * VPMADDUBSW multiplies them with 4 broadcast activation codes and adds neighbours: two 16-bit sums a row, `t`.
 *
 * Sums stay in 16 bits over a whole group. Its two sums a row are right if they fit, whatever happens on the way: additions wrap, and only
 * a pair must not saturate (2 * u * 127: 3,810 for 4 bits, 7,874 for 5, 16,002 for 6). A group of Q4_K ends at 30,480, one of 16 codes of 5
 * bits at 31,496, and Q6_K's of 16 at 32,512, since it starts from -32 times the codes' own sums. Then one VPMADDWD does the rest: by the
 * group's factor where T is the sum itself, else by 2^(16 - h), which leaves T in the upper half of the lane. For h = 1 that factor is
 * -2^15, and floor(-i / 2) = -((i + 1) >> 1): minus T, rounded, for nothing.
 */
#ifndef TT_KERN_MAT_AVX2_H
#define TT_KERN_MAT_AVX2_H

#include "lib/kern/x86/mat_out_avx2.h"

#define TILES 1
#define COLS 4		/* with both halves of a tile, 8 sums */
#define FEW_COLS 4

#include "lib/kern/x86/mat_tiles.h"

INLINE __m256i broadcast4(const void *p)
{
	int v;
	__builtin_memcpy(&v, p, 4);
	return _mm256_set1_epi32(v);
}

INLINE __m256i shift(__m256i v, int left)
{
	return left >= 0 ? _mm256_slli_epi16(v, left) : _mm256_srli_epi16(v, -left);
}

/* Codes 4i .. 4i + 3 of a run of 32 that begins at p, rows of half h. All but p are constants. */
INLINE __m256i code(const uint8_t *p, int bits, int i, int h)
{
	const uint8_t *q = p + 32 * h;
	if (bits == PLAIN)
		return _mm256_loadu_si256((const void *)(q + 64 * i));
	__m256i v = _mm256_loadu_si256((const void *)(q + 64 * (i / 2)));
	v = _mm256_and_si256(i % 2 ? _mm256_srli_epi16(v, 4) : v, _mm256_set1_epi8(15));
	if (bits == 5)
		v = _mm256_or_si256(v, _mm256_and_si256(shift(_mm256_loadu_si256((const void *)(q + 256)), 4 - i), _mm256_set1_epi8(0x10)));
	if (bits == 6)
		v = _mm256_or_si256(v, _mm256_and_si256(shift(_mm256_loadu_si256((const void *)(q + 256 + 64 * (i / 4))), 4 - 2 * (i % 4)),
			_mm256_set1_epi8(0x30)));
	return v;
}

/* t[c] += sums of codes [4i, 4i + 4n) of the run at p times x[c][4i ..]; t is set if `fresh`. */
INLINE void dots(__m256i t[COLS][2], bool fresh, const uint8_t *p, int bits, int i, int n, const int8_t *const x[COLS], int cols)
{
	UNROLL
	for (int k = i; k < i + n; k++) {
		__m256i w0 = code(p, bits, k, 0), w1 = code(p, bits, k, 1);
		EACH(c, cols, COLS) {
			__m256i v = broadcast4(x[c] + 4 * k), d0 = _mm256_maddubs_epi16(w0, v), d1 = _mm256_maddubs_epi16(w1, v);
			t[c][0] = fresh && k == i ? d0 : _mm256_add_epi16(t[c][0], d0);
			t[c][1] = fresh && k == i ? d1 : _mm256_add_epi16(t[c][1], d1);
			IN_ORDER(t[c][0]);
			IN_ORDER(t[c][1]);
		}
	}
}

/* Two groups' T as 16-bit pairs, from the upper halves of a's and b's lanes. */
INLINE __m256i pair(__m256i a, __m256i b)
{
	return _mm256_blend_epi16(_mm256_srli_epi32(a, 16), b, 0xaa);
}

INLINE __m256 halfs(const uint8_t *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
}

INLINE void unpack(const uint8_t *p, size_t n_run, uint8_t *u, int bits)
{
	for (size_t j = 0; j < n_run; j++, p += 64 * bits, u += 512)
		UNROLL
		for (int i = 0; i < 8; i++) {
			_mm256_storeu_si256((void *)(u + 64 * i), code(p, bits, i, 0));
			_mm256_storeu_si256((void *)(u + 64 * i + 32), code(p, bits, i, 1));
		}
}

#define FAMILY_FNS(NAME, BITS) \
	MANY_FN(NAME, 1) MANY_FN(NAME, 2) MANY_FN(NAME, 3) MANY_FN(NAME, 4) \
	FAMILY_OF(NAME, BITS, avx2, NAME##_many_1, NAME##_many_2, NAME##_many_3, NAME##_many_4)

#endif
