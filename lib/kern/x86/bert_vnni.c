/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: the encoder's kernels for AVX-512 with VNNI (Ice Lake, Zen 4 and later). A zmm holds the 4 bytes of 16 rows; one VPDPBUSD
 * multiplies them by a token's 4 bytes, broadcast from memory.
 */
#include "lib/kern/x86/v16_avx512.h"
#include "lib/kern/x86/x86.h"

#include <stddef.h>

#define X_LEN 1280u	/* 96 x 12 codes, 2 x 12 floats, up to a multiple of 64 */
#define X_SCALE 1152u
#define QUERIES 6
#define KEY_TILES 2

VF_FN void put_codes(vi c, uint8_t *group, size_t i, size_t t)
{
	int32_t four[4];
	_mm_storeu_si128((void *)four, _mm512_cvtepi32_epi8(c));
	for (size_t j = 0; j < 4; j++)
		__builtin_memcpy(group + ((i + j) * 12 + t) * 4, &four[j], 4);
}

#include "lib/kern/x86/bert_lanes.h"

/* Two tiles at once, six tokens: 8 loads for 12 products, each of which takes 4 or 5 cycles, in each of which two may begin (mat_vnni.h). */
#define TILES 2
#define COLS (BERT_TOKS / TILES)

/* `tiles` tiles of 16 rows, one behind the other from w on, by n tokens: x is their block, from the first of them on. Both are constants where
 * this is expanded, so that the sums stay in registers. */
VF_FN void product(const uint8_t *w, const uint8_t *x, size_t n_group, int tiles, int n, const float *bias, float *y, size_t ld, enum bert_op op)
{
	size_t tile_len = n_group * BERT_W_LEN;
	vf f[TILES][COLS];
	EACH(m, tiles, TILES)
		EACH(t, n, COLS)
			f[m][t] = _mm512_setzero_ps();
	for (size_t g = 0; g < n_group; g++, w += BERT_W_LEN, x += X_LEN) {
		vi s[TILES][COLS];
		EACH(m, tiles, TILES)
			EACH(t, n, COLS)
				s[m][t] = _mm512_setzero_si512();
#pragma GCC unroll 2
		for (size_t i = 0; i < BERT_GROUP / 4; i++) {
			vi a[TILES];
			EACH(m, tiles, TILES)
				a[m] = vi_load(w + (size_t)m * tile_len + 64 * i);
			EACH(t, n, COLS) {
				vi v = _mm512_set1_epi32(*(const int32_t *)(const void *)(x + 48 * i + 4 * t));
				EACH(m, tiles, TILES) {
					s[m][t] = _mm512_dpbusd_epi32(s[m][t], v, a[m]);
					IN_ORDER(s[m][t]);
				}
			}
		}
		const float *xs = (const float *)(const void *)(x + X_SCALE);
		EACH(m, tiles, TILES) {
			const float *ws = (const float *)(const void *)(w + (size_t)m * tile_len + BERT_GROUP * BERT_ROWS);
			vf scale = vf_load(ws), sum = vf_load(ws + 16);
			EACH(t, n, COLS) {
				f[m][t] = vf_fma(vf_mul(vf_of(s[m][t]), scale), vf_set(xs[t]), f[m][t]);
				f[m][t] = vf_fma(sum, vf_set(xs[BERT_TOKS + t]), f[m][t]);
			}
		}
	}
	EACH(m, tiles, TILES)
		EACH(t, n, COLS)
			finish(f[m][t], vf_load(bias + 16 * m), y + (size_t)t * ld + 16 * m, op);
}

static void products_of(const uint8_t *w, const uint8_t *x, size_t n_group, size_t tiles, size_t n, const float *bias, float *y, size_t ld,
	enum bert_op op)
{
	switch (tiles == TILES ? COLS + n : n) {
#define CASE(N) \
	case N: product(w, x, n_group, 1, N, bias, y, ld, op); break; \
	case COLS + N: product(w, x, n_group, TILES, N, bias, y, ld, op); break;
	CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#undef CASE
	}
}

static void mat(const struct bert_mat *w, size_t first, size_t n_tile, const uint8_t *x, size_t block_len, size_t n_tok, float *y,
	size_t ld, enum bert_op op)
{
	for (size_t i = 0; i < n_tile; i += TILES) {
		size_t tiles = n_tile - i < TILES ? n_tile - i : TILES;
		const uint8_t *wt = w->data + (first + i) * w->n_group * BERT_W_LEN;
		for (size_t t = 0; t < n_tok; t += COLS)
			products_of(wt, x + t / BERT_TOKS * block_len + t % BERT_TOKS * 4, w->n_group, tiles, n_tok - t < COLS ? n_tok - t : COLS,
				w->bias + 16 * (first + i), y + t * ld + 16 * i, ld, op);
	}
}

const struct kern_bert kern_bert_vnni = {
	.level = KERN_VNNI, .name = "vnni", .x_len = X_LEN, .quant = quant, .mat = mat, .norm = norm, .attn = attn,
};
