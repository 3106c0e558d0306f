/* SPDX-License-Identifier: Apache-2.0
 *
 * mat_tiles: how matrix kernels go over tiles, superblocks and tokens; what is in a superblock is the levels' own affair (mat_avx2.h, mat_vnni.h).
 *
 * Few tokens: codes are taken apart in registers, for all tokens of a superblock at once, while memory delivers the next. Many: a superblock of
 * several tiles is taken apart once into a buffer, and multiplied with a few tokens at a time out of the level-1 cache; their running sums wait
 * in memory meanwhile. The including file defines
 *
 *	TILES		tiles that a kernel for many tokens multiplies at once
 *	COLS		tokens that it does
 *	FEW_COLS	tokens, at most, for which codes are taken apart at once where they are few
 *	tile_finish(w, tile, tok, acc[16], o)	stores a token's 16 rows
 */
#ifndef TT_KERN_MAT_TILES_H
#define TT_KERN_MAT_TILES_H

#include <immintrin.h>
#include <string.h>

#include "lib/kern/x86/x86.h"

#define FEW 8		/* tokens, at most, that are few */
#define PLAIN 8		/* bits of a code that is a byte */
#define MAX_COLS (FEW_COLS > COLS ? FEW_COLS : COLS)
#define MANY_TOKS 128
#define AHEAD 4096	/* bytes ahead of the weights being read, where memory is what few tokens wait for */

/* One superblock of n_run runs of 32 of one tile, or of TILES, times 1 .. MAX_COLS tokens: acc[tile][token][16] moves on. u[tile]: codes, as
 * packed or in bytes. `x`: the first token's block; the others are nb apart. */
typedef void (*super_fn)(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb,
	float (*const *acc)[16]);

/* One tile times 1 .. FEW tokens, from packed codes. */
typedef void (*few_fn)(const struct mat *w, size_t tile, const struct act_block *x, size_t tok, const struct mat_out *o);

struct family {
	few_fn few[FEW];		/* by number of tokens - 1 */
	super_fn many[COLS];
	void (*unpack)(const uint8_t *p, size_t n_run, uint8_t *u);	/* NULL if packed codes are bytes */
};

/* Asks for what lies AHEAD of `len` bytes of weights. Calls must ascend: the processor's own prefetching follows them. */
INLINE void ahead(const uint8_t *p, size_t len)
{
	UNROLL
	for (size_t i = 0; i < len; i += 64)
		_mm_prefetch((const char *)p + AHEAD + i, _MM_HINT_T0);
}

/* Columns of superblock b. */
INLINE size_t super_cols(const struct mat *w, size_t b)
{
	size_t left = w->n_col - b * W16_SUPER;
	return left < W16_SUPER ? left : W16_SUPER;
}

/* Tokens a step: as even as can be, since one token alone costs the most. */
INLINE size_t step(size_t left)
{
	return left > COLS && left < 2 * COLS ? (left + 1) / 2 : left < COLS ? left : COLS;
}

/* At most TOGETHER tiles and MANY_TOKS tokens: superblock by superblock, the tiles taken apart side by side (16 KB), so that activations which
 * have come from the level-2 cache serve all of them. */
static void mat_many(const struct family *f, const struct mat *w, size_t tile, size_t n_tile, const struct act_block *x, size_t tok, size_t n_tok,
	const struct mat_out *o)
{
	size_t nb = act_n_block(w->n_col), at = 0, n_up = (n_tile + TILES - 1) / TILES * TILES;
	_Alignas(64) uint8_t u[TOGETHER][W16_SUPER * W16_ROWS];
	_Alignas(64) float acc[TOGETHER][MANY_TOKS][16];
	for (size_t i = 0; i < n_up; i++)
		memset(acc[i], 0, n_tok * sizeof **acc);
	for (size_t b = 0; b < nb; b++) {
		size_t n = super_cols(w, b), len = w16_super_len(w->type, n);
		bool is_last = b + 1 == nb;
		size_t next_len = w16_super_len(w->type, super_cols(w, is_last ? 0 : b + 1));
		const uint8_t *codes[TOGETHER], *sc[TOGETHER], *next[TOGETHER];
		for (size_t i = 0; i < n_tile; i++) {
			const uint8_t *p = codes[i] = w->data + (tile + i) * w->tile_len + at;
			next[i] = is_last ? w->data + (tile + n_tile + i) * w->tile_len : p + len;
			sc[i] = p + w16_codes_len(w->type, n);
			if (f->unpack) {
				f->unpack(p, n / 32, u[i]);
				codes[i] = u[i];
			}
		}
		for (size_t i = n_tile; i < n_up; i++) {	/* the last tile stands in for one that is missing */
			codes[i] = codes[n_tile - 1];
			sc[i] = sc[n_tile - 1];
		}
		for (size_t t = 0, s; t < n_tok; t += s) {
			s = step(n_tok - t);
			/* what comes next is asked for bit by bit: all at once is more than can be under way */
			for (size_t i = 0; i < n_tile; i++)
				for (size_t k = next_len / 64 * t / n_tok; k < next_len / 64 * (t + s) / n_tok; k++)
					_mm_prefetch((const char *)next[i] + 64 * k, _MM_HINT_T1);
			for (size_t i = 0; i < n_tile; i += TILES) {
				float (*a[TILES])[16];
				for (size_t k = 0; k < TILES; k++)
					a[k] = acc[i + k] + t;
				f->many[s - 1](codes + i, sc + i, n / 32, x + (tok + t) * nb + b, nb, a);
			}
		}
		at += len;
	}
	for (size_t t = 0; t < n_tok; t++)
		for (size_t i = 0; i < n_tile; i++)
			tile_finish(w, tile + i, tok + t, acc[i][t], o);
}

static void mat_run(const struct family *f, const struct mat *w, size_t tile, size_t n_tile, const struct act_block *x, size_t n_tok,
	const struct mat_out *o)
{
	size_t per = n_tok > 2 * FEW ? TOGETHER : TILES;	/* few tokens wait for memory, which likes one long run */
	for (size_t i = 0; i < n_tile; i += per)
		for (size_t t = 0; t < n_tok; t += MANY_TOKS) {
			size_t left = n_tok - t < MANY_TOKS ? n_tok - t : MANY_TOKS, end = n_tile - i < per ? n_tile : i + per;
			if (left > 2 * FEW || (left > FEW && end - i >= TILES)) {
				mat_many(f, w, tile + i, end - i, x, t, left, o);
				continue;
			}
			for (size_t k = i; k < end; k++)
				for (size_t at = t, n; at < t + left; at += n) {
					n = t + left - at > FEW ? (left + 1) / 2 : t + left - at;
					f->few[n - 1](w, tile + k, x, at, o);
				}
		}
}

/* Of NAME, from an always-inline super_NAME(..., bits of a code at u, cols, tiles). More than FEW_COLS tokens are two halves. */
#define FEW_FN(NAME, BITS, N) \
	static void NAME##_few_##N(const struct mat *w, size_t tile, const struct act_block *x, size_t tok, const struct mat_out *o) \
	{ \
		enum { HALF = N > FEW_COLS ? (N + 1) / 2 : N }; \
		size_t nb = act_n_block(w->n_col); \
		const uint8_t *p = w->data + tile * w->tile_len; \
		float acc[N][16] = { 0 }, (*const first)[16] = acc, (*const second)[16] = acc + HALF; \
		x += tok * nb; \
		for (size_t b = 0; b < nb; b++, x++) { \
			size_t n = super_cols(w, b); \
			const uint8_t *sc = p + w16_codes_len(w->type, n); \
			super_##NAME(&p, &sc, n / 32, x, nb, &first, BITS, HALF, 1); \
			if (HALF < N) \
				super_##NAME(&p, &sc, n / 32, x + HALF * nb, nb, &second, BITS, N - HALF, 1); \
			p += w16_super_len(w->type, n); \
		} \
		for (size_t c = 0; c < N; c++) \
			tile_finish(w, tile, tok + c, acc[c], o); \
	}
#define MANY_FN(NAME, N) \
	static void NAME##_many_##N(const uint8_t *const *u, const uint8_t *const *sc, size_t n_run, const struct act_block *x, size_t nb, \
		float (*const *acc)[16]) \
	{ \
		super_##NAME(u, sc, n_run, x, nb, acc, PLAIN, N, TILES); \
	}
#define FEW_FNS(NAME, BITS) \
	FEW_FN(NAME, BITS, 1) FEW_FN(NAME, BITS, 2) FEW_FN(NAME, BITS, 3) FEW_FN(NAME, BITS, 4) \
	FEW_FN(NAME, BITS, 5) FEW_FN(NAME, BITS, 6) FEW_FN(NAME, BITS, 7) FEW_FN(NAME, BITS, 8)
/* Defines all of NAME but its functions for many tokens, which are given, and the kernel mat_NAME_LEVEL. */
#define FAMILY_OF(NAME, BITS, LEVEL, ...) \
	FEW_FNS(NAME, BITS) \
	static void NAME##_unpack(const uint8_t *p, size_t n_run, uint8_t *u) \
	{ \
		unpack(p, n_run, u, BITS); \
	} \
	static const struct family NAME = { \
		{ NAME##_few_1, NAME##_few_2, NAME##_few_3, NAME##_few_4, NAME##_few_5, NAME##_few_6, NAME##_few_7, NAME##_few_8 }, \
		{ __VA_ARGS__ }, BITS == PLAIN ? NULL : NAME##_unpack }; \
	MAT(mat_##NAME##_##LEVEL) \
	{ \
		mat_run(&NAME, w, tile, n_tile, x, n_tok, o); \
	}

#endif
