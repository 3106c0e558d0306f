/* SPDX-License-Identifier: Apache-2.0
 *
 * mat, vnni: what the matrix kernels for AVX-512 VNNI share. A zmm lane is a row: VPDPBUSD multiplies 4 codes of each of 16 rows
 * with 4 activation codes that are broadcast from memory, so one instruction does 64 products and nothing is added across lanes.
 */
#ifndef TT_KERN_MAT_VNNI_H
#define TT_KERN_MAT_VNNI_H

#include "lib/kern/x86/mat_out_avx512.h"
#include "lib/kern/x86/x86.h"

/* Weights are asked for ahead of their use. One group of tokens: so many bytes ahead, as memory is what it waits for. Several: the tile
 * is in the cache after the first, and the last one fetches the next tile's weights, at the same place. */
#define PREFETCH 4096

/* t += codes * 4 activation bytes at x, broadcast to all rows. */
INLINE __m512i dot4(__m512i t, __m512i w, const int8_t *x)
{
#if defined(__GNUC__) && !defined(SIMDE_VERSION)
	/* the compiler would load and then multiply; as a memory operand the broadcast is free */
	__asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(t) : "v"(w), "m"(*(const int (*)[1])(const void *)x));
	return t;
#else
	int v;
	__builtin_memcpy(&v, x, 4);
	return _mm512_dpbusd_epi32(t, w, _mm512_set1_epi32(v));
#endif
}

INLINE __m512i line(const uint8_t *p, size_t ahead)
{
	_mm_prefetch((const char *)p + ahead, _MM_HINT_T0);
	return _mm512_loadu_si512(p);
}

/* Asks for the scales that lie ahead as these do, behind the codes. Without it each superblock waits for as many lines as it has of
 * scales; and before the codes, against the order of addresses, it would confuse the processor's own prefetching: slower than not at all. */
INLINE void fetch_scales(const uint8_t *sc, size_t ahead, size_t len)
{
	UNROLL
	for (size_t i = 0; i < len; i += 64)
		_mm_prefetch((const char *)sc + ahead + i, _MM_HINT_T0);
}

INLINE __m512i shift(__m512i v, int left)
{
	return left >= 0 ? _mm512_sll_epi16(v, _mm_cvtsi32_si128(left)) : _mm512_srl_epi16(v, _mm_cvtsi32_si128(-left));
}

/* The codes of 32 k: w[i] holds k = 4i .. 4i + 3 of each row. `bits` is a constant at every use. */
INLINE void unpack(const uint8_t *p, size_t ahead, int bits, __m512i w[8])
{
	const __m512i low = _mm512_set1_epi8(15), bit4 = _mm512_set1_epi8(0x10), bit45 = _mm512_set1_epi8(0x30);
	if (bits == 8) {
		UNROLL
		for (int i = 0; i < 8; i++)
			w[i] = line(p + 64 * i, ahead);
		return;
	}
	UNROLL
	for (int i = 0; i < 4; i++) {
		__m512i v = line(p + 64 * i, ahead);
		w[2 * i] = _mm512_and_si512(v, low);
		w[2 * i + 1] = _mm512_and_si512(_mm512_srli_epi16(v, 4), low);
	}
	/* 0xea: (a & b) | c */
	if (bits == 5) {
		__m512i h = line(p + 256, ahead);
		UNROLL
		for (int i = 0; i < 8; i++)
			w[i] = _mm512_ternarylogic_epi32(shift(h, 4 - i), bit4, w[i], 0xea);
	}
	if (bits == 6)
		UNROLL
		for (int i = 0; i < 8; i++) {
			__m512i h = i % 4 == 0 ? line(p + 256 + 16 * i, ahead) : _mm512_loadu_si512(p + 256 + 64 * (i / 4));
			w[i] = _mm512_ternarylogic_epi32(shift(h, 4 - 2 * (i % 4)), bit45, w[i], 0xea);
		}
}

/* Two groups' sums as 16-bit pairs: (t0 >> h) in the low half of each lane, (t1 >> h) in the high one. 0xd8: b ? a : c by bits. */
INLINE __m512i pair(__m512i t0, __m512i t1, int h)
{
	return _mm512_ternarylogic_epi32(_mm512_srl_epi32(t0, _mm_cvtsi32_si128(h)), _mm512_set1_epi32(0xffff),
		_mm512_sll_epi32(t1, _mm_cvtsi32_si128(16 - h)), 0xe2);
}

INLINE __m512i broadcast2(const int16_t *p)
{
	int v;
	__builtin_memcpy(&v, p, 4);
	return _mm512_set1_epi32(v);
}

INLINE __m512 halfs(const uint8_t *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)p));
}

#define MAX_COLS 8
#define STEP 4	/* columns whose chains of VPDPBUSD (4 cycles each) run side by side */

/* One tile times `cols` tokens (a constant), from x on: a kernel's inner part. `tok` is the first token's number in the output. */
typedef void (*tile_fn)(const struct mat *w, size_t tile, size_t ahead, const struct act_block *x, size_t tok, const struct mat_out *o);

/* Runs a family of tile functions, by number of tokens, over tiles and tokens. */
INLINE void mat_run(const tile_fn fn[MAX_COLS + 1], const struct mat *w, size_t tile, size_t n_tile, const struct act_block *x, size_t n_tok,
	const struct mat_out *o)
{
	size_t nb = act_n_block(w->n_col);
	for (size_t i = tile; i < tile + n_tile; i++)
		for (size_t t = 0; t < n_tok;) {
			size_t n = n_tok - t;
			if (n > MAX_COLS)	/* not a full run and a rest of one: two halves */
				n = n >= 2 * MAX_COLS ? MAX_COLS : (n + 1) / 2;
			size_t ahead = n_tok <= MAX_COLS ? PREFETCH : t + n == n_tok ? w->tile_len : 0;
			fn[n](w, i, ahead, x + t * nb, t, o);
			t += n;
		}
}

/* Defines NAME##_1 .. _8 from an always-inline NAME(w, tile, ahead, x, tok, o, cols), and their table. */
#define TILE_FN(NAME, N) \
	static void NAME##_##N(const struct mat *w, size_t tile, size_t ahead, const struct act_block *x, size_t tok, const struct mat_out *o) \
	{ \
		NAME(w, tile, ahead, x, tok, o, N); \
	}
#define TILE_FNS(NAME) \
	TILE_FN(NAME, 1) TILE_FN(NAME, 2) TILE_FN(NAME, 3) TILE_FN(NAME, 4) TILE_FN(NAME, 5) TILE_FN(NAME, 6) TILE_FN(NAME, 7) TILE_FN(NAME, 8) \
	static const tile_fn NAME##_by_cols[MAX_COLS + 1] = { NULL, NAME##_1, NAME##_2, NAME##_3, NAME##_4, NAME##_5, NAME##_6, NAME##_7, NAME##_8 };

#endif
