/* SPDX-License-Identifier: Apache-2.0
 *
 * mat, vnni: what the matrix kernels for AVX-512 VNNI share. A zmm lane is a row: VPDPBUSD multiplies 4 codes of each of 16 rows
 * with 4 activation codes that are broadcast, so one instruction does 64 products and nothing is added across lanes.
 *
 * Two tiles at once, six tokens: 8 loads for 12 products, and enough chains to hide that a product takes 4 or 5 cycles where two of them
 * may begin in each (seen on Emerald Rapids; one on Zen 4).
 */
#ifndef TT_KERN_MAT_VNNI_H
#define TT_KERN_MAT_VNNI_H

#include "lib/kern/x86/mat_out_avx512.h"

#define TILES 2
#define COLS 6		/* two groups' sums are 24 registers */
#define FEW_COLS 8

#include "lib/kern/x86/mat_tiles.h"

/* t += codes * 4 activation bytes at x, broadcast to all rows. */
INLINE __m512i dot4(__m512i t, __m512i w, const int8_t *x)
{
#ifndef KERN_EMULATED
	/* the compiler would load and then multiply; as a memory operand the broadcast is free */
	__asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(t) : "v"(w), "m"(*(const int (*)[1])(const void *)x));
	return t;
#else
	int v;
	__builtin_memcpy(&v, x, 4);
	return _mm512_dpbusd_epi32(t, w, _mm512_set1_epi32(v));
#endif
}

INLINE __m512i broadcast4(const void *p)
{
	int v;
	__builtin_memcpy(&v, p, 4);
	return _mm512_set1_epi32(v);
}

INLINE __m512i shift(__m512i v, int left)
{
	return left >= 0 ? _mm512_sll_epi16(v, _mm_cvtsi32_si128(left)) : _mm512_srl_epi16(v, _mm_cvtsi32_si128(-left));
}

/* Codes 4i .. 4i + 3 of a run of 32 that begins at p. `bits` and i are constants. */
INLINE __m512i code(const uint8_t *p, int bits, int i)
{
	if (bits == PLAIN)
		return _mm512_loadu_si512(p + 64 * i);
	__m512i v = _mm512_loadu_si512(p + 64 * (i / 2));
	v = _mm512_and_si512(i % 2 ? _mm512_srli_epi16(v, 4) : v, _mm512_set1_epi8(15));
	/* 0xea: (a & b) | c */
	if (bits == 5)
		v = _mm512_ternarylogic_epi32(shift(_mm512_loadu_si512(p + 256), 4 - i), _mm512_set1_epi8(0x10), v, 0xea);
	if (bits == 6)
		v = _mm512_ternarylogic_epi32(shift(_mm512_loadu_si512(p + 256 + 64 * (i / 4)), 4 - 2 * (i % 4)), _mm512_set1_epi8(0x30), v, 0xea);
	return v;
}

/* Of two groups of 4n codes that follow each other, the first at the run at p[tile]: t[group][tile][token] += sums of codes times x[token][..]. */
INLINE void dots(__m512i t[2][TILES][MAX_COLS], const uint8_t *const p[TILES], int bits, int n, const int8_t *const x[MAX_COLS], int cols, int tiles)
{
	UNROLL
	for (int i = 0; i < n; i++)
		UNROLL
		for (int g = 0; g < 2; g++) {
			int k = n * g + i;
			__m512i w[TILES];
			EACH(m, tiles, TILES)
				w[m] = code(p[m] + 64 * bits * (k / 8), bits, k % 8);
			EACH(c, cols, MAX_COLS) {
				if (tiles == 1) {
					t[g][0][c] = dot4(t[g][0][c], w[0], x[c] + 4 * k);
					continue;
				}
				__m512i v = broadcast4(x[c] + 4 * k);
				EACH(m, tiles, TILES) {
					t[g][m][c] = _mm512_dpbusd_epi32(t[g][m][c], w[m], v);
					IN_ORDER(t[g][m][c]);
				}
			}
		}
}

/* Two groups' sums as 16-bit pairs: (t0 >> h) in the low half of each lane, (t1 >> h) in the high one. 0xe2: b ? a : c by bits. */
INLINE __m512i pair(__m512i t0, __m512i t1, int h)
{
	if (!h)
		return _mm512_mask_shuffle_epi8(t0, 0xcccccccccccccccc, t1, _mm512_set4_epi32(0x0d0c0000, 0x09080000, 0x05040000, 0x01000000));
	return _mm512_ternarylogic_epi32(_mm512_srl_epi32(t0, _mm_cvtsi32_si128(h)), _mm512_set1_epi32(0xffff),
		_mm512_sll_epi32(t1, _mm_cvtsi32_si128(16 - h)), 0xe2);
}

INLINE __m512 halfs(const uint8_t *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)p));
}

INLINE void unpack(const uint8_t *p, size_t n_run, uint8_t *u, int bits)
{
	for (size_t j = 0; j < n_run; j++, p += 64 * bits, u += 512)
		UNROLL
		for (int i = 0; i < 8; i++)
			_mm512_store_si512(u + 64 * i, code(p, bits, i));
}

#define FAMILY_FNS(NAME, BITS) \
	MANY_FN(NAME, 1) MANY_FN(NAME, 2) MANY_FN(NAME, 3) MANY_FN(NAME, 4) MANY_FN(NAME, 5) MANY_FN(NAME, 6) \
	FAMILY_OF(NAME, BITS, vnni, NAME##_many_1, NAME##_many_2, NAME##_many_3, NAME##_many_4, NAME##_many_5, NAME##_many_6)

#endif
