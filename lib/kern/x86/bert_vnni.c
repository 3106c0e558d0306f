/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: the encoder's kernels for AVX-512 with VNNI (Ice Lake, Zen 4 and later). A zmm holds the 4 bytes of 16 rows; one VPDPBUSD
 * multiplies them by a token's 4 bytes, broadcast from memory. 12 tokens: 12 integer sums, 12 float sums, one weight register.
 */
#include "lib/kern/x86/v16_avx512.h"

#include <stddef.h>

#define X_LEN 1280u	/* 96 x 12 codes, 2 x 12 floats, up to a multiple of 64 */
#define X_SCALE 1152u
#define QUERIES 4
#define KEY_TILES 2

VF_FN void put_codes(vi c, uint8_t *group, size_t i, size_t t)
{
	int32_t four[4];
	_mm_storeu_si128((void *)four, _mm512_cvtepi32_epi8(c));
	for (size_t j = 0; j < 4; j++)
		__builtin_memcpy(group + ((i + j) * 12 + t) * 4, &four[j], 4);
}

#include "lib/kern/x86/bert_lanes.h"

/* 16 rows by n tokens. n is a constant where this is expanded, so that the sums stay in registers. */
VF_FN void tile(const uint8_t *w, const uint8_t *x, size_t n_group, int n, vf bias, float *y, size_t ld, enum bert_op op)
{
	vf f[BERT_TOKS];
#pragma GCC unroll 12
	for (int t = 0; t < n; t++)
		f[t] = _mm512_setzero_ps();
	for (size_t g = 0; g < n_group; g++, w += BERT_W_LEN, x += X_LEN) {
		vi s[BERT_TOKS];
#pragma GCC unroll 12
		for (int t = 0; t < n; t++)
			s[t] = _mm512_setzero_si512();
#pragma GCC unroll 2
		for (size_t i = 0; i < BERT_GROUP / 4; i++) {
			vi a = vi_load(w + 64 * i);
#pragma GCC unroll 12
			for (int t = 0; t < n; t++)
				s[t] = _mm512_dpbusd_epi32(s[t], _mm512_set1_epi32(*(const int32_t *)(const void *)(x + 48 * i + 4 * t)), a);
		}
		const float *ws = (const float *)(const void *)(w + BERT_GROUP * BERT_ROWS);
		const float *xs = (const float *)(const void *)(x + X_SCALE);
		vf scale = vf_load(ws), sum = vf_load(ws + 16);
#pragma GCC unroll 12
		for (int t = 0; t < n; t++) {
			f[t] = vf_fma(vf_mul(vf_of(s[t]), scale), vf_set(xs[t]), f[t]);
			f[t] = vf_fma(sum, vf_set(xs[BERT_TOKS + t]), f[t]);
		}
	}
#pragma GCC unroll 12
	for (int t = 0; t < n; t++)
		finish(f[t], bias, y + (size_t)t * ld, op);
}

static void block(const uint8_t *w, const uint8_t *x, size_t n_group, size_t n, vf bias, float *y, size_t ld, enum bert_op op)
{
	switch (n) {
#define CASE(N) case N: tile(w, x, n_group, N, bias, y, ld, op); break;
	CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#undef CASE
	}
}

static void mat(const struct bert_mat *w, size_t first, size_t n_tile, const uint8_t *x, size_t block_len, size_t n_tok, float *y,
	size_t ld, enum bert_op op)
{
	for (size_t i = 0; i < n_tile; i++) {
		const uint8_t *wt = w->data + (first + i) * w->n_group * BERT_W_LEN;
		vf bias = vf_load(w->bias + 16 * (first + i));
		for (size_t t = 0; t < n_tok; t += BERT_TOKS)
			block(wt, x + t / BERT_TOKS * block_len, w->n_group, n_tok - t < BERT_TOKS ? n_tok - t : BERT_TOKS, bias,
				y + t * ld + 16 * i, ld, op);
	}
}

const struct kern_bert kern_bert_vnni = {
	.level = KERN_VNNI, .name = "vnni", .x_len = X_LEN, .quant = quant, .mat = mat, .norm = norm, .attn = attn,
};
