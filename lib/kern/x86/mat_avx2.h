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
 *
 * Few tokens: codes are taken apart in registers, for up to four tokens at once. Many: a superblock is taken apart once into a buffer,
 * and multiplied with four tokens at a time out of the level-1 cache; their running sums wait in memory meanwhile.
 */
#ifndef TT_KERN_MAT_AVX2_H
#define TT_KERN_MAT_AVX2_H

#include <string.h>

#include "lib/kern/x86/mat_out_avx2.h"

#define COLS 4		/* tokens at once: with both halves of a tile, 8 sums */
#define FEW 8		/* tokens, at most, for which codes are taken apart in registers, twice if there are more than COLS */
#define PLAIN 8		/* bits of a code that is a byte */
#define MANY_TOKS 128
#define AHEAD 4096	/* bytes ahead of the weights being read */

/* One superblock of n_run runs of 32 times 1 .. COLS tokens: acc[token][16] moves on. `u`: codes, as packed or in bytes. `x`: the first
 * token's block; the others are nb apart. */
typedef void (*super_fn)(const uint8_t *u, const uint8_t *sc, size_t n_run, const struct act_block *x, size_t nb,
	float (*acc)[16]);

struct family {
	super_fn few[COLS], many[COLS];		/* by number of tokens - 1; few: `u` is packed */
	void (*unpack)(const uint8_t *p, size_t n_run, uint8_t *u);	/* NULL if packed codes are bytes */
};

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

/* Keeps the compiler from reordering a chain of additions: it would multiply everything first, and run out of registers. */
INLINE void in_order(__m256i *v)
{
	__asm__("" : "+x"(*v));
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
			in_order(&t[c][0]);
			in_order(&t[c][1]);
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

/* Asks for what lies AHEAD of `len` bytes of weights. Calls must ascend: the processor's own prefetching follows them. */
INLINE void ahead(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 64)
		_mm_prefetch((const char *)p + AHEAD + i, _MM_HINT_T0);
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

INLINE void tile_finish(const struct mat *w, size_t tile, size_t tok, const float acc[16], const struct mat_out *o)
{
	for (int h = 0; h < 2; h++)
		finish(w, tile, h, tok, _mm256_loadu_ps(acc + 8 * h), o);
}

/* Tokens a step: as even as can be, since one token alone costs the most. */
INLINE size_t step(size_t left)
{
	return left > COLS && left < 2 * COLS ? (left + 1) / 2 : left < COLS ? left : COLS;
}

INLINE void mat_few(const struct family *f, const struct mat *w, size_t tile, const struct act_block *x, size_t tok, size_t n_tok,
	const struct mat_out *o)
{
	size_t nb = act_n_block(w->n_col);
	const uint8_t *p = w->data + tile * w->tile_len;
	float acc[FEW][16] = { 0 };
	for (size_t b = 0; b < nb; b++) {
		size_t n = w->n_col - b * W16_SUPER < W16_SUPER ? w->n_col - b * W16_SUPER : W16_SUPER;
		const uint8_t *sc = p + w16_codes_len(w->type, n);
		for (size_t t = 0, s; t < n_tok; t += s) {
			const struct act_block *xt = x + (tok + t) * nb + b;
			s = step(n_tok - t);
			f->few[s - 1](p, sc, n / 32, xt, nb, acc + t);
		}
		p += w16_super_len(w->type, n);
	}
	for (size_t c = 0; c < n_tok; c++)
		tile_finish(w, tile, tok + c, acc[c], o);
}

/* At most AVX2_TILES tiles and MANY_TOKS tokens: superblock by superblock, the tiles taken apart side by side (16 KB), so that activations which
 * have come from the level-2 cache serve all of them. */
INLINE void mat_many(const struct family *f, const struct mat *w, size_t tile, size_t n_tile, const struct act_block *x, size_t tok, size_t n_tok,
	const struct mat_out *o)
{
	size_t nb = act_n_block(w->n_col), at = 0;
	_Alignas(64) uint8_t u[AVX2_TILES][W16_SUPER * W16_ROWS];
	float acc[AVX2_TILES][MANY_TOKS][16];
	for (size_t i = 0; i < n_tile; i++)
		memset(acc[i], 0, n_tok * sizeof **acc);
	for (size_t b = 0; b < nb; b++) {
		size_t n = w->n_col - b * W16_SUPER < W16_SUPER ? w->n_col - b * W16_SUPER : W16_SUPER, len = w16_super_len(w->type, n);
		const uint8_t *codes[AVX2_TILES], *sc[AVX2_TILES];
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
			for (size_t i = 0; i < n_tile; i++)
				f->many[s - 1](codes[i], sc[i], n / 32, x + (tok + t) * nb + b, nb, acc[i] + t);
		}
		at += len;
	}
	for (size_t t = 0; t < n_tok; t++)
		for (size_t i = 0; i < n_tile; i++)
			tile_finish(w, tile + i, tok + t, acc[i][t], o);
}

INLINE void mat_run(const struct family *f, const struct mat *w, size_t tile, size_t n_tile, const struct act_block *x, size_t n_tok,
	const struct mat_out *o)
{
	size_t per = n_tok > COLS * 4 ? AVX2_TILES : 1;		/* few tokens wait for memory, which likes one long run */
	for (size_t i = 0; i < n_tile; i += per)
		for (size_t t = 0; t < n_tok; t += MANY_TOKS) {
			size_t left = n_tok - t < MANY_TOKS ? n_tok - t : MANY_TOKS;
			if (left <= FEW)
				for (size_t k = i; k < i + per && k < n_tile; k++)
					mat_few(f, w, tile + k, x, t, left, o);
			else
				mat_many(f, w, tile + i, n_tile - i < per ? n_tile - i : per, x, t, left, o);
		}
}

/* Defines the kernel mat_NAME_avx2 from an always-inline super_NAME(..., bits of a code at u, cols). */
#define SUPER_FN(NAME, HOW, BITS, N) \
	static void NAME##_##HOW##_##N(const uint8_t *u, const uint8_t *sc, size_t n_run, const struct act_block *x, size_t nb, \
		float (*acc)[16]) \
	{ \
		super_##NAME(u, sc, n_run, x, nb, acc, BITS, N); \
	}
#define FAMILY_FNS(NAME, BITS) \
	SUPER_FN(NAME, few, BITS, 1) SUPER_FN(NAME, few, BITS, 2) SUPER_FN(NAME, few, BITS, 3) SUPER_FN(NAME, few, BITS, 4) \
	SUPER_FN(NAME, many, PLAIN, 1) SUPER_FN(NAME, many, PLAIN, 2) SUPER_FN(NAME, many, PLAIN, 3) SUPER_FN(NAME, many, PLAIN, 4) \
	static void NAME##_unpack(const uint8_t *p, size_t n_run, uint8_t *u) \
	{ \
		unpack(p, n_run, u, BITS); \
	} \
	static const struct family NAME = { \
		{ NAME##_few_1, NAME##_few_2, NAME##_few_3, NAME##_few_4 }, { NAME##_many_1, NAME##_many_2, NAME##_many_3, NAME##_many_4 }, \
		BITS == PLAIN ? NULL : NAME##_unpack }; \
	MAT(mat_##NAME##_avx2) \
	{ \
		mat_run(&NAME, w, tile, n_tile, x, n_tok, o); \
	}

#endif
