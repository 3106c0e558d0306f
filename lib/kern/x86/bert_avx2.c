/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: the encoder's kernels for AVX2 and FMA (Haswell, Zen and later). A code times a weight needs 16 bits, so VPMADDUBSW would
 * saturate: weights are widened when loaded (even and odd bytes of each 4), activations are stored as 16 bits already, and
 * VPMADDWD adds pairs exactly. 8 rows by 6 tokens: 6 integer and 6 float sums, two weight registers.
 */
#include "lib/kern/x86/v16_avx2.h"

#include <stddef.h>

#define X_LEN 2432u	/* 96 x 12 codes of 16 bits, 2 x 12 floats, up to a multiple of 64 */
#define X_SCALE 2304u
#define KEY_TILES 1

/* Columns 0 2 1 3 of each four as 16 bits. */
VF_FN void put_codes(vi c, uint8_t *group, size_t i, size_t t)
{
	__m256i half[2] = { c.a, c.b };
	for (size_t j = 0; j < 4; j++) {
		__m128i x = j % 2 ? _mm256_extracti128_si256(half[j / 2], 1) : _mm256_castsi256_si128(half[j / 2]);
		x = _mm_or_si128(x, _mm_slli_epi32(_mm_shuffle_epi32(x, 0xee), 16));
		_mm_storel_epi64((void *)(group + ((i + j) * 12 + t) * 8), x);
	}
}

#include "lib/kern/x86/bert_lanes.h"

#define TOKS 6

/* 8 rows (half of a tile) by n tokens from token `at` of the block on; n is a constant where this is expanded. */
VF_FN void half(const uint8_t *w, const uint8_t *x, size_t n_group, size_t at, int n, float *f_out)
{
	__m256 f[TOKS];
#pragma GCC unroll 6
	for (int t = 0; t < n; t++)
		f[t] = _mm256_setzero_ps();
	for (size_t g = 0; g < n_group; g++, w += BERT_W_LEN, x += X_LEN) {
		__m256i s[TOKS];
#pragma GCC unroll 6
		for (int t = 0; t < n; t++)
			s[t] = _mm256_setzero_si256();
		for (size_t i = 0; i < BERT_GROUP / 4; i++) {
			__m256i a = _mm256_loadu_si256((const void *)(w + 64 * i));
			__m256i even = _mm256_srai_epi16(_mm256_slli_epi16(a, 8), 8), odd = _mm256_srai_epi16(a, 8);
			const int32_t *c = (const int32_t *)(const void *)(x + 96 * i + 8 * at);
#pragma GCC unroll 6
			for (int t = 0; t < n; t++) {
				s[t] = _mm256_add_epi32(s[t], _mm256_madd_epi16(even, _mm256_set1_epi32(c[2 * t])));
				s[t] = _mm256_add_epi32(s[t], _mm256_madd_epi16(odd, _mm256_set1_epi32(c[2 * t + 1])));
			}
		}
		const float *ws = (const float *)(const void *)(w + BERT_GROUP * BERT_ROWS);
		const float *xs = (const float *)(const void *)(x + X_SCALE) + at;
#pragma GCC unroll 6
		for (int t = 0; t < n; t++) {
			__m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(s[t]), _mm256_loadu_ps(ws));
			f[t] = _mm256_fmadd_ps(v, _mm256_set1_ps(xs[t]), f[t]);
			f[t] = _mm256_fmadd_ps(_mm256_loadu_ps(ws + 16), _mm256_set1_ps(xs[BERT_TOKS + t]), f[t]);
		}
	}
#pragma GCC unroll 6
	for (int t = 0; t < n; t++)
		_mm256_storeu_ps(f_out + 16 * t, f[t]);
}

/* 16 rows by n tokens. For the second half's rows codes, scales and sums all lie 32 bytes further on. */
static void halves(const uint8_t *w, const uint8_t *x, size_t n_group, size_t at, size_t n, float *f)
{
	for (int h = 0; h < 2; h++, w += 32, f += 8)
		switch (n) {
#define CASE(N) case N: half(w, x, n_group, at, N, f); break;
		CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#undef CASE
		}
}

static void mat(const struct bert_mat *w, size_t first, size_t n_tile, const uint8_t *x, size_t block_len, size_t n_tok, float *y,
	size_t ld, enum bert_op op)
{
	float f[TOKS * 16];
	for (size_t i = 0; i < n_tile; i++) {
		const uint8_t *wt = w->data + (first + i) * w->n_group * BERT_W_LEN;
		vf bias = vf_load(w->bias + 16 * (first + i));
		for (size_t t = 0; t < n_tok; t += TOKS) {
			size_t n = n_tok - t < TOKS ? n_tok - t : TOKS;
			halves(wt, x + t / BERT_TOKS * block_len, w->n_group, t % BERT_TOKS, n, f);
			for (size_t k = 0; k < n; k++)
				finish(vf_load(f + 16 * k), bias, y + (t + k) * ld + 16 * i, op);
		}
	}
}

const struct kern_bert kern_bert_avx2 = {
	.level = KERN_AVX2, .name = "avx2", .x_len = X_LEN, .quant = quant, .mat = mat, .norm = norm, .attn = attn,
};
