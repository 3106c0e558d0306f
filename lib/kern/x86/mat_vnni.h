/* SPDX-License-Identifier: Apache-2.0
 *
 * mat, vnni: what the matrix kernels for AVX-512 VNNI share. A zmm lane is a row: VPDPBUSD multiplies 4 codes of each of 16 rows
 * with 4 activation codes that are broadcast, so one instruction does 64 products and nothing is added across lanes.
 *
 * Few tokens: codes are taken apart in registers, for all tokens of a tile at once, while memory delivers the next. Many: superblocks of several
 * tiles are taken apart once into a buffer, and two tiles are multiplied with six tokens at a time out of the level-1 cache: 8 loads for
 * 12 products, and enough chains to hide that a product takes 4 or 5 cycles where two of them may begin in each (Ice Lake and later).
 */
#ifndef TT_KERN_MAT_VNNI_H
#define TT_KERN_MAT_VNNI_H

#include <string.h>

#include "lib/kern/x86/mat_out_avx512.h"
#include "lib/kern/x86/x86.h"

#define FEW 8		/* tokens, at most, for which codes are taken apart in registers */
#define COLS 6		/* tokens at once with TILES tiles: two groups' sums are 24 registers */
#define TILES 2
#define MAX_COLS (FEW > COLS ? FEW : COLS)
#define PLAIN 8		/* bits of a code that is a byte */
#define MANY_TOKS 128
#define AHEAD 4096	/* bytes ahead of the weights being read, where memory is what few tokens wait for */

/* One superblock of n_run runs of 32 of one tile, or of TILES, times 1 .. MAX_COLS tokens: acc[tile][token][16] moves on. u[tile]: codes, as
 * packed or in bytes. `x`: the first token's block; the others are nb apart. */
typedef void (*super_fn)(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb,
	float (*const *acc)[16]);
/* One whole tile times 1 .. FEW tokens. */
typedef void (*few_fn)(const struct mat *w, size_t tile, const struct act_block *x, size_t tok, const struct mat_out *o);

struct family {
	few_fn few[FEW];		/* by number of tokens - 1 */
	super_fn many[COLS];
	void (*unpack)(const uint8_t *p, size_t n_run, uint8_t *u);	/* NULL if packed codes are bytes */
};

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

INLINE __m512i broadcast4(const void *p)
{
	int v;
	__builtin_memcpy(&v, p, 4);
	return _mm512_set1_epi32(v);
}

/* Keeps the compiler from reordering products: it would broadcast everything first, and run out of registers. */
INLINE void in_order(__m512i *v)
{
#ifndef SIMDE_VERSION
	__asm__("" : "+v"(*v));
#else
	(void)v;
#endif
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
					in_order(&t[g][m][c]);
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

/* Asks for what lies AHEAD of `len` bytes of weights. Calls must ascend: the processor's own prefetching follows them. */
INLINE void ahead(const uint8_t *p, size_t len)
{
	UNROLL
	for (size_t i = 0; i < len; i += 64)
		_mm_prefetch((const char *)p + AHEAD + i, _MM_HINT_T0);
}

INLINE void unpack(const uint8_t *p, size_t n_run, uint8_t *u, int bits)
{
	for (size_t j = 0; j < n_run; j++, p += 64 * bits, u += 512)
		UNROLL
		for (int i = 0; i < 8; i++)
			_mm512_store_si512(u + 64 * i, code(p, bits, i));
}

/* Tokens a step: as even as can be, since one token alone costs the most. */
INLINE size_t step(size_t left)
{
	return left > COLS && left < 2 * COLS ? (left + 1) / 2 : left < COLS ? left : COLS;
}

/* At most VNNI_TILES tiles and MANY_TOKS tokens: superblock by superblock, the tiles taken apart side by side (16 KB), so that activations which
 * have come from the level-2 cache serve all of them. */
INLINE void mat_many(const struct family *f, const struct mat *w, size_t tile, size_t n_tile, const struct act_block *x, size_t tok, size_t n_tok,
	const struct mat_out *o)
{
	size_t nb = act_n_block(w->n_col), at = 0;
	_Alignas(64) uint8_t u[VNNI_TILES][W16_SUPER * W16_ROWS];
	_Alignas(64) float acc[VNNI_TILES + 1][MANY_TOKS][16];	/* the last: of a tile that stands in for a missing second one */
	for (size_t i = 0; i < n_tile; i++)
		memset(acc[i], 0, n_tok * sizeof **acc);
	for (size_t b = 0; b < nb; b++) {
		size_t n = w->n_col - b * W16_SUPER < W16_SUPER ? w->n_col - b * W16_SUPER : W16_SUPER, len = w16_super_len(w->type, n);
		const uint8_t *codes[VNNI_TILES], *sc[VNNI_TILES];
		for (size_t i = 0; i < n_tile; i++) {
			const uint8_t *p = codes[i] = w->data + (tile + i) * w->tile_len + at;
			sc[i] = p + w16_codes_len(w->type, n);
			for (size_t k = 0; k < len; k += 64)
				_mm_prefetch((const char *)p + len + k, _MM_HINT_T1);
			if (f->unpack) {
				f->unpack(p, n / 32, u[i]);
				codes[i] = u[i];
			}
		}
		for (size_t t = 0, s; t < n_tok; t += s) {
			s = step(n_tok - t);
			for (size_t i = 0; i < n_tile; i += TILES) {
				size_t second = i + 1 < n_tile ? i + 1 : i;
				f->many[s - 1]((const uint8_t *const[TILES]){ codes[i], codes[second] }, (const uint8_t *const[TILES]){ sc[i], sc[second] },
					n / 32, x + (tok + t) * nb + b, nb, (float (*const[TILES])[16]){ acc[i] + t, acc[i + 1 < n_tile ? i + 1 : VNNI_TILES] + t });
			}
		}
		at += len;
	}
	for (size_t t = 0; t < n_tok; t++)
		for (size_t i = 0; i < n_tile; i++)
			finish(w, tile + i, tok + t, _mm512_load_ps(acc[i][t]), o);
}

INLINE void mat_run(const struct family *f, const struct mat *w, size_t tile, size_t n_tile, const struct act_block *x, size_t n_tok,
	const struct mat_out *o)
{
	size_t per = n_tok > FEW ? VNNI_TILES : 1, nb = act_n_block(w->n_col);
	for (size_t i = 0; i < n_tile; i += per)
		for (size_t t = 0; t < n_tok; t += MANY_TOKS) {
			size_t left = n_tok - t < MANY_TOKS ? n_tok - t : MANY_TOKS;
			if (left > FEW) {
				mat_many(f, w, tile + i, n_tile - i < per ? n_tile - i : per, x, t, left, o);
				continue;
			}
			for (size_t k = i; k < i + per && k < n_tile; k++)
				f->few[left - 1](w, tile + k, x + t * nb, t, o);
		}
}

/* Defines the kernel mat_NAME_vnni from an always-inline super_NAME(..., bits of a code at u, cols, tiles). */
#define FEW_FN(NAME, BITS, N) \
	static void NAME##_few_##N(const struct mat *w, size_t tile, const struct act_block *x, size_t tok, const struct mat_out *o) \
	{ \
		size_t nb = act_n_block(w->n_col); \
		const uint8_t *p = w->data + tile * w->tile_len; \
		float acc[N][16] = { 0 }; \
		for (size_t b = 0; b < nb; b++) { \
			size_t n = w->n_col - b * W16_SUPER < W16_SUPER ? w->n_col - b * W16_SUPER : W16_SUPER; \
			const uint8_t *sc = p + w16_codes_len(w->type, n); \
			super_##NAME(&p, &sc, n / 32, x + b, nb, (float (*const[TILES])[16]){ acc }, BITS, N, 1); \
			p += w16_super_len(w->type, n); \
		} \
		for (size_t c = 0; c < N; c++) \
			finish(w, tile, tok + c, _mm512_loadu_ps(acc[c]), o); \
	}
#define MANY_FN(NAME, N) \
	static void NAME##_many_##N(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb, \
		float (*const *acc)[16]) \
	{ \
		super_##NAME(u, sc, n_run, x, nb, acc, PLAIN, N, TILES); \
	}
#define FAMILY_FNS(NAME, BITS) \
	FEW_FN(NAME, BITS, 1) FEW_FN(NAME, BITS, 2) FEW_FN(NAME, BITS, 3) FEW_FN(NAME, BITS, 4) \
	FEW_FN(NAME, BITS, 5) FEW_FN(NAME, BITS, 6) FEW_FN(NAME, BITS, 7) FEW_FN(NAME, BITS, 8) \
	MANY_FN(NAME, 1) MANY_FN(NAME, 2) MANY_FN(NAME, 3) MANY_FN(NAME, 4) MANY_FN(NAME, 5) MANY_FN(NAME, 6) \
	static void NAME##_unpack(const uint8_t *p, size_t n_run, uint8_t *u) \
	{ \
		unpack(p, n_run, u, BITS); \
	} \
	static const struct family NAME = { \
		{ NAME##_few_1, NAME##_few_2, NAME##_few_3, NAME##_few_4, NAME##_few_5, NAME##_few_6, NAME##_few_7, NAME##_few_8 }, \
		{ NAME##_many_1, NAME##_many_2, NAME##_many_3, NAME##_many_4, NAME##_many_5, NAME##_many_6 }, \
		BITS == PLAIN ? NULL : NAME##_unpack }; \
	MAT(mat_##NAME##_vnni) \
	{ \
		mat_run(&NAME, w, tile, n_tile, x, n_tok, o); \
	}

#endif
