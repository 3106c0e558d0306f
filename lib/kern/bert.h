/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: the kernels of a bidirectional encoder (embed/): 8-bit weights by 8-bit activations, everything else in float32.
 *
 * The same rule as in kern.h: one arithmetic. Integer sums are exact, floats are added in one fixed order (a lane is a row; a
 * reduction is a tree of 16 lanes), so ref, avx2 and vnni give the same bytes, for every batch.
 *
 * Weights [n_row, n_col]: tiles of 16 rows, each a run of groups of 96 columns (the last one filled up with zeros):
 *
 *	one group, 1664 bytes:	int8 w[24][16][4]	columns 4i..4i+3 of row r at w[i][r]
 *				float scale[16]		of the row in this group
 *				float sum[16]		scale * (sum of the row's w), which meets the activations' minimum
 *
 * Activations: blocks of 12 tokens, each a run of groups likewise; a value is min + scale * code, code in 0..255. A group holds
 * codes, float scale[12], float min[12]; how the codes lie is a level's own affair (`x_len` bytes a group):
 *
 *	ref, vnni	uint8 x[24][12][4]	the 4 bytes of columns 4i..4i+3 that VPDPBUSD multiplies at once
 *	avx2		int16 x[24][12][4]	two pairs for VPMADDWD
 *
 * One output: f = 0; for every group: f = fma(float(sum of codes) * wscale, xscale, f); f = fma(wsum, xmin, f); then + bias.
 * Scales by group, on both sides, are what brings 8 bits within a few parts in ten thousand of float32. On all-MiniLM-L6-v2 the cosine
 * over 100 texts is 0.99979 on average and 0.99930 at least with groups of 64, 0.99974 and 0.99924 with 96, 0.99970 and 0.99907 with
 * 128, which leaves too little above 0.999; the product runs at 190, 204 and 210 GMAC/s a thread (2-core Zen 4 virtual machine).
 */
#ifndef TT_KERN_BERT_H
#define TT_KERN_BERT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/kern/kern.h"

#define BERT_ROWS 16
#define BERT_TOKS 12		/* of one tile, or six of two: 12 integer and 12 float sums of 16 rows fit 32 registers */
#define BERT_GROUP 96
#define BERT_W_LEN 1664		/* bytes a group of a weight tile */
#define BERT_MAX_HEAD 128	/* d_head: a multiple of 16, at most this */
#define BERT_PV_MAX 32767.0f	/* of p (whose codes add up to about this) and v: the sum of products stays below 2^31 */

struct bert_mat {
	const uint8_t *data;	/* [n_row / 16][n_group][BERT_W_LEN] */
	const float *bias;	/* [n_row] */
	size_t n_row;		/* a multiple of 16 */
	size_t n_group;		/* (n_col + 95) / 96 */
};
enum bert_op {
	BERT_SET,		/* y = Wx + b */
	BERT_ADD,		/* y = y + (Wx + b) */
	BERT_GELU,		/* y = gelu(Wx + b), the one with erf, within 2e-5 */
};

/* One head of one sequence. x of token t is at x + t * ld. */
struct bert_attn {
	const float *q, *k, *v;	/* [n_tok][d_head] */
	size_t ld;
	float *out;		/* [n_tok][d_head], ld_out apart; must not overlap the inputs */
	size_t ld_out;
	size_t n_tok, d_head;
	float scale;		/* 1 / sqrt(d_head) */
	void *scratch;		/* bert_attn_scratch bytes, 64-byte aligned */
};
/* LayerNorm with what the next matrix wants: h = (x - mean) / sqrt(var + eps); x = h * w + b; z = fma(h, zw, zb) */
struct bert_norm {
	const float *w, *b, *zw, *zb;	/* [n]; n is a multiple of 16 */
	size_t n;
	float eps;
};

struct kern_bert {
	enum kern_level level;
	const char *name;
	size_t x_len;		/* bytes a group of an activation block, a multiple of 64 */
	/* Codes of columns [0, n_col) (a multiple of 16) of n_tok <= 12 tokens into the groups from `out` on; what is left of the last
	 * group becomes 0, unused tokens are not touched. */
	void (*quant)(const float *x, size_t ld, size_t n_tok, size_t n_col, uint8_t *out);
	/* Tiles [tile, tile + n_tile) for n_tok tokens in blocks `block_len` bytes apart: y[t * ld + row - 16 * tile]. */
	void (*mat)(const struct bert_mat *w, size_t tile, size_t n_tile, const uint8_t *x, size_t block_len, size_t n_tok, float *y,
		size_t ld, enum bert_op op);
	void (*norm)(const struct bert_norm *p, float *x, float *z);
	/* Codes of 16 bits: q and k by the largest of each token, v by that of each dimension over the text. Scores are exact sums times a
	 * float; softmax: exp(s - max), divided by the 16-lane sum, to codes p; out = float(sum of p v) * (vmax / 32767 / sum of p). */
	void (*attn)(const struct bert_attn *a);
};

/* Bytes of scratch that a head of n_tok tokens needs. */
size_t bert_attn_scratch(size_t n_tok, size_t d_head);

/* The best table that this processor runs, at most `cap` (a TT_CPU name, or NULL). Unknown name: NULL, ERR_ARG. "avx512" without
 * VNNI gives the avx2 table. */
const struct kern_bert *kern_bert_select(const char *cap, struct err *e);
/* The level's own table; NULL when this processor cannot run it. (Tests.) */
const struct kern_bert *kern_bert_level(enum kern_level level);

extern const struct kern_bert kern_bert_ref, kern_bert_avx2, kern_bert_vnni;

/* ---- shared by the levels ---- */

/* gelu(x) = max(x, 0) + g(|x|), g(u) = -u * (1 - Phi(u)): a polynomial in t = u * 2 / 5 - 1, u clamped to 5 (g(5) = -1.4e-6). Made by
 * Chebyshev interpolation of degree 11 on [0, 5]; largest error 1.7e-5, a twentieth of the step that 8 bits leave. */
#define GELU_MAX 5.0f
#define GELU_POLY { -0x1.fca9dap-7f, 0x1.8113dep-4f, -0x1.dce638p-3f, 0x1.080162p-2f, 0x1.45bb9ep-6f, -0x1.b790c8p-2f, \
	0x1.eaeaf8p-2f, -0x1.0df338p-5f, -0x1.4a0308p-2f, 0x1.5335c6p-3f, 0x1.2457e4p-4f, -0x1.c4aa6p-5f }
#define GELU_DEG 11

/* Scratch of attention, all 64-byte aligned: keys as codes [tiles of 16 keys][d_head / 2][16][2], values as codes
 * [pairs of keys][d_head][2], then for six queries at most: codes, scores, probabilities. n is rounded up to 32 keys. */
struct bert_scratch {
	int16_t *k, *v, *q, *p;
	float *s, *vmax, *kscale;	/* kscale: what a key's code 1 stands for */
	size_t n_pad;
};
struct bert_scratch bert_scratch_of(const struct bert_attn *a);

/* Largest code of q and k: d_head products of two stay below 2^31. */
static inline float bert_qk_max(size_t d_head)
{
	return d_head <= 16 ? 11584.0f : d_head <= 32 ? 8190.0f : d_head <= 64 ? 5791.0f : 4095.0f;
}

#endif
