/* SPDX-License-Identifier: Apache-2.0
 *
 * mat, avx2: what the matrix kernels for AVX2 share. A tile is done in two halves of 8 rows. VPMADDUBSW multiplies 4 codes of each row
 * with 4 broadcast activation codes and adds neighbours: two 16-bit sums a row, at most 2 * u * 127 each; as many are added in 16 bits
 * as provably fit (4 bits: 8 of 3,810; 5 bits: 4 of 7,874; 6 bits: 2 of 16,002), then VPMADDWD with ones widens them.
 */
#ifndef TT_KERN_MAT_AVX2_H
#define TT_KERN_MAT_AVX2_H

#include "lib/kern/x86/avx2.h"

#define PREFETCH 1536		/* bytes ahead of the weights being read */
#define MAX_COLS 8

INLINE __m256i line(const uint8_t *p)
{
	_mm_prefetch((const char *)p + PREFETCH, _MM_HINT_T0);
	return _mm256_loadu_si256((const void *)p);
}

INLINE __m256i shift(__m256i v, int left)
{
	return left >= 0 ? _mm256_sll_epi16(v, _mm_cvtsi32_si128(left)) : _mm256_srl_epi16(v, _mm_cvtsi32_si128(-left));
}

/* The codes of 32 k of a half's rows: w[i] holds k = 4i .. 4i + 3. p is the run's first byte plus 32 * half. */
INLINE void unpack(const uint8_t *p, int bits, __m256i w[8])
{
	const __m256i low = _mm256_set1_epi8(15), bit4 = _mm256_set1_epi8(0x10), bit45 = _mm256_set1_epi8(0x30);
	if (bits == 8) {
		UNROLL
		for (int i = 0; i < 8; i++)
			w[i] = line(p + 64 * i);
		return;
	}
	UNROLL
	for (int i = 0; i < 4; i++) {
		__m256i v = line(p + 64 * i);
		w[2 * i] = _mm256_and_si256(v, low);
		w[2 * i + 1] = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
	}
	if (bits == 5) {
		__m256i h = line(p + 256);
		UNROLL
		for (int i = 0; i < 8; i++)
			w[i] = _mm256_or_si256(w[i], _mm256_and_si256(shift(h, 4 - i), bit4));
	}
	if (bits == 6) {
		__m256i h0 = line(p + 256), h1 = line(p + 320);
		UNROLL
		for (int i = 0; i < 8; i++)
			w[i] = _mm256_or_si256(w[i], _mm256_and_si256(shift(i < 4 ? h0 : h1, 4 - 2 * (i % 4)), bit45));
	}
}

INLINE __m256i broadcast4(const void *p)
{
	int v;
	__builtin_memcpy(&v, p, 4);
	return _mm256_set1_epi32(v);
}

/* 32-bit sums of codes * x over 4n k, n a multiple of `fit`: how many VPMADDUBSW results add up in 16 bits. */
INLINE __m256i dot(const __m256i *w, int n, int fit, const int8_t *x)
{
	const __m256i ones = _mm256_set1_epi16(1);
	__m256i sum = _mm256_setzero_si256();
	UNROLL
	for (int i = 0; i < n; i += fit) {
		__m256i t = _mm256_maddubs_epi16(w[i], broadcast4(x + 4 * i));
		UNROLL
		for (int j = 1; j < fit; j++)
			t = _mm256_add_epi16(t, _mm256_maddubs_epi16(w[i + j], broadcast4(x + 4 * (i + j))));
		t = _mm256_madd_epi16(t, ones);
		sum = i ? _mm256_add_epi32(sum, t) : t;
	}
	return sum;
}

/* Two groups' sums as 16-bit pairs: (t0 >> h) in the low half of each lane, (t1 >> h) in the high one. */
INLINE __m256i pair(__m256i t0, __m256i t1, int h)
{
	return _mm256_blend_epi16(_mm256_srl_epi32(t0, _mm_cvtsi32_si128(h)), _mm256_sll_epi32(t1, _mm_cvtsi32_si128(16 - h)), 0xaa);
}

INLINE __m256 halfs(const uint8_t *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
}

/* Half a tile times `cols` tokens (a constant), from x on. */
typedef void (*tile_fn)(const struct mat *w, size_t tile, int half, const struct act_block *x, size_t tok, const struct mat_out *o);

INLINE void mat_run(const tile_fn fn[MAX_COLS + 1], const struct mat *w, size_t tile, size_t n_tile, const struct act_block *x, size_t n_tok,
	const struct mat_out *o)
{
	size_t nb = act_n_block(w->n_col);
	for (size_t i = tile; i < tile + n_tile; i++)
		for (size_t t = 0; t < n_tok;) {
			size_t n = n_tok - t;
			if (n > MAX_COLS)
				n = n >= 2 * MAX_COLS ? MAX_COLS : (n + 1) / 2;
			fn[n](w, i, 0, x + t * nb, t, o);
			fn[n](w, i, 1, x + t * nb, t, o);
			t += n;
		}
}

/* Defines NAME##_1 .. _8 from an always-inline NAME(w, tile, half, x, tok, o, cols), their table, and the kernel KERNEL. */
#define TILE_FN(NAME, N) \
	static void NAME##_##N(const struct mat *w, size_t tile, int half, const struct act_block *x, size_t tok, const struct mat_out *o) \
	{ \
		NAME(w, tile, half, x, tok, o, N); \
	}
#define TILE_FNS(NAME, KERNEL) \
	TILE_FN(NAME, 1) TILE_FN(NAME, 2) TILE_FN(NAME, 3) TILE_FN(NAME, 4) TILE_FN(NAME, 5) TILE_FN(NAME, 6) TILE_FN(NAME, 7) TILE_FN(NAME, 8) \
	static const tile_fn NAME##_by_cols[MAX_COLS + 1] = { NULL, NAME##_1, NAME##_2, NAME##_3, NAME##_4, NAME##_5, NAME##_6, NAME##_7, NAME##_8 }; \
	MAT(KERNEL) \
	{ \
		mat_run(NAME##_by_cols, w, tile, n_tile, x, n_tok, o); \
	}

#endif
