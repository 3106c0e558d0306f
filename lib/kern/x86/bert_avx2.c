/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: the encoder's kernels for AVX2 and FMA (Haswell, Zen and later). A code times a weight needs 16 bits, so VPMADDUBSW would
 * saturate: activations are stored as 16 bits, weights are widened, and VPMADDWD adds pairs exactly.
 *
 * 16 rows by 6 tokens at a time: 12 integer sums, two weight registers and a broadcast fill the 16 registers, and 8 loads feed 12
 * products. A group's weights are widened once for up to 96 tokens, into 3 KB that stay in the first-level cache, while the next group's
 * are on their way from memory; the float sums wait in memory meanwhile. Zen 3, a thread: 68 GMAC/s, 50 where the core's other thread
 * works too, of the 79 that a multiplication and an addition each allow. (8 rows by 6 tokens with float sums in registers, weights
 * widened on the way, has 12 loads for 12 products: 62 and 39.)
 */
#include "lib/kern/x86/v16_avx2.h"

#include <stddef.h>

#include "lib/kern/bert.h"

#define X_LEN 2432u	/* 96 x 12 codes of 16 bits, 2 x 12 floats, up to a multiple of 64 */
#define X_SCALE 2304u
#define QUERIES 6
#define KEY_TILES 1

VF_FN void put_codes(vi c, uint8_t *group, size_t i, size_t t)
{
	__m256i p = _mm256_packs_epi32(c.a, c.b);	/* 16 bits: columns 0 .. 3, 8 .. 11, 4 .. 7, 12 .. 15 */
	__m128i even = _mm256_castsi256_si128(p), odd = _mm256_extracti128_si256(p, 1);
	group += (i * BERT_TOKS + t) * 8;
	_mm_storel_epi64((void *)group, even);
	_mm_storel_epi64((void *)(group + 8 * BERT_TOKS), odd);
	_mm_storeh_pd((void *)(group + 16 * BERT_TOKS), _mm_castsi128_pd(even));
	_mm_storeh_pd((void *)(group + 24 * BERT_TOKS), _mm_castsi128_pd(odd));
}

#include "lib/kern/x86/bert_lanes.h"

#define TOKS 6
#define CHUNK 96	/* tokens for which a group is widened once: 6 KB of float sums, 18 KB of codes */

/* A group of a tile as 16 bits: [four columns][columns 0 and 1, 2 and 3][rows 0 .. 7, 8 .. 15]. */
typedef __m256i wide[BERT_GROUP / 4][2][2];

static void widen(const uint8_t *w, wide out)
{
	/* bytes 0 and 1, or 2 and 3, of each four to the upper halves of 16 bits; a shift then brings them down with their signs */
	const __m256i first = _mm256_setr_epi8(-1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13,
		-1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13);
	const __m256i second = _mm256_add_epi8(first, _mm256_set1_epi16(0x200));
	for (size_t i = 0; i < BERT_GROUP / 4; i++)
		for (size_t h = 0; h < 2; h++) {
			__m256i a = _mm256_loadu_si256((const void *)(w + 64 * i + 32 * h));
			out[i][0][h] = _mm256_srai_epi16(_mm256_shuffle_epi8(a, first), 8);
			out[i][1][h] = _mm256_srai_epi16(_mm256_shuffle_epi8(a, second), 8);
		}
}

/* One group of 16 rows by n tokens, the first of which has its codes from x and its scales from xs on: f[token][16] moves on. n is a
 * constant where this is expanded. */
VF_FN void group(wide w, const float *ws, const int32_t *x, const float *xs, int n, float *f)
{
	__m256i s[TOKS][2];
#pragma GCC unroll 6
	for (int t = 0; t < n; t++)
		s[t][0] = s[t][1] = _mm256_setzero_si256();
#pragma GCC unroll 4
	for (size_t i = 0; i < BERT_GROUP / 4; i++, x += 2 * BERT_TOKS)
#pragma GCC unroll 2
		for (int p = 0; p < 2; p++) {
			__m256i a = w[i][p][0], b = w[i][p][1];
#pragma GCC unroll 6
			for (int t = 0; t < n; t++) {
				__m256i v = _mm256_set1_epi32(x[2 * t + p]);
				add_dot16(&s[t][0], a, v);
				add_dot16(&s[t][1], b, v);
			}
		}
#pragma GCC unroll 6
	for (int t = 0; t < n; t++) {
		__m256 scale = _mm256_set1_ps(xs[t]), min = _mm256_set1_ps(xs[BERT_TOKS + t]);
#pragma GCC unroll 2
		for (int h = 0; h < 2; h++) {
			float *o = f + 16 * t + 8 * h;
			__m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(s[t][h]), _mm256_loadu_ps(ws + 8 * h));
			v = _mm256_fmadd_ps(v, scale, _mm256_loadu_ps(o));
			_mm256_storeu_ps(o, _mm256_fmadd_ps(_mm256_loadu_ps(ws + 16 + 8 * h), min, v));
		}
	}
}

/* A function for each n, apart from the loops around them, to which the compiler would give some of the registers. */
typedef void (*group_fn)(wide w, const float *ws, const int32_t *x, const float *xs, float *f);
#define GROUP(N) static __attribute__((noinline)) void group##N(wide w, const float *ws, const int32_t *x, const float *xs, float *f) \
	{ group(w, ws, x, xs, N, f); }
GROUP(1) GROUP(2) GROUP(3) GROUP(4) GROUP(5) GROUP(6)
#undef GROUP

/* One tile by n <= CHUNK tokens: f[token][16] = the sums. */
static void tile(const uint8_t *w, const uint8_t *x, size_t n_group, size_t block_len, size_t n, float *f)
{
	static const group_fn run[] = { NULL, group1, group2, group3, group4, group5, group6 };
	wide wide_w;
	for (size_t t = 0; t < n; t++)
		vf_store(f + 16 * t, vf_set(0));
	for (size_t g = 0; g < n_group; g++, w += BERT_W_LEN, x += X_LEN) {
		widen(w, wide_w);
		for (size_t i = 0; i < BERT_W_LEN; i += 64)
			_mm_prefetch((const char *)w + BERT_W_LEN + i, _MM_HINT_T0);
		for (size_t t = 0; t < n; t += TOKS) {
			const uint8_t *block = x + t / BERT_TOKS * block_len;
			run[n - t < TOKS ? n - t : TOKS](wide_w, (const float *)(const void *)(w + BERT_GROUP * BERT_ROWS),
				(const int32_t *)(const void *)(block + t % BERT_TOKS * 8),
				(const float *)(const void *)(block + X_SCALE) + t % BERT_TOKS, f + 16 * t);
		}
	}
}

static void mat(const struct bert_mat *w, size_t first, size_t n_tile, const uint8_t *x, size_t block_len, size_t n_tok, float *y,
	size_t ld, enum bert_op op)
{
	float f[CHUNK * 16];
	for (size_t i = 0; i < n_tile; i++) {
		const uint8_t *wt = w->data + (first + i) * w->n_group * BERT_W_LEN;
		vf bias = vf_load(w->bias + 16 * (first + i));
		for (size_t t = 0; t < n_tok; t += CHUNK) {
			size_t n = n_tok - t < CHUNK ? n_tok - t : CHUNK;
			tile(wt, x + t / BERT_TOKS * block_len, w->n_group, block_len, n, f);
			for (size_t k = 0; k < n; k++)
				finish(vf_load(f + 16 * k), bias, y + (t + k) * ld + 16 * i, op);
		}
	}
}

const struct kern_bert kern_bert_avx2 = {
	.level = KERN_AVX2, .name = "avx2", .x_len = X_LEN, .quant = quant, .mat = mat, .norm = norm, .attn = attn,
};
