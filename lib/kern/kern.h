/* SPDX-License-Identifier: Apache-2.0
 *
 * kern: the table of compute kernels, one entry a family, filled for a level: ref (plain C, the specification), avx2, avx512
 * (no VNNI) and vnni.
 *
 * ONE ARITHMETIC. Every level gives the same bytes, and a token's result does not depend on the batch it came in: integer sums
 * are exact; floats are added in one fixed order with fmaf where it says so; a reduction over a vector keeps 16 partial sums
 * (lane = index mod 16) and adds them as a tree: 8 apart, 4, 2, 1; exp and its kin are one polynomial (ref/ref.h).
 *
 * Activations. A token's x[n_col] becomes act_blocks of 256: x[k] = D * s[k / g] * code[k], g = 16 or 32:
 *	D = max over groups of amax_g / (127 * S),  s_g = ceil(amax_g / (127 * D)) in 1..S,  code = round(x / (D * s_g))
 * Groups with small values keep their precision, and yet everything up to 32 (F types) or 256 (K types) is added in integers.
 * F types (Q4_0 Q4_1 Q5_0 Q5_1 Q8_0): g 16, S 127. K types (Q4_K Q5_K Q6_K): g 32, S 15.
 *
 * The dot product of row r and a token. On Zen 4 every multiplication, of bytes, words or floats, takes a turn of the one unit that
 * VPDPBUSD needs, and shifts and additions are free beside it; so partial sums are rounded to 16 bits, which costs far less
 * precision than the activations' codes did, and two groups share a VPDPWSSD by their scales. i_g are exact sums of u * code over
 * a group, b_g of code alone:
 *	T_g = (i_g - zero * b_g + 2^(h-1)) >> h			h = act_shift(type): what brings |T| below 2^15
 *	F	per 32:  f = fmaf(2^h dw, (float)(T_0 s_0 + T_1 s_1), f); with minimum: f = fmaf(m, b32, f)
 *		per 256: acc = fmaf(D, f, acc), then f = 0
 *	K	per 256: f = fmaf(2^h dw, (float)(sum of sc_g s_g T_g), -(2 m * (float)(sum of mn_g sb32_g))); acc = fmaf(D, f, acc)
 *	Q6_K	per 256: f = 2^h dw * (float)(sum of sc_g s_(g/2) T_g); acc = fmaf(D, f, acc)			(groups of 16)
 *	float	acc = fmaf(w, x, acc), k ascending
 * with sb32_g = (s_g b_g + 1) >> 1, and b32 the float of s_0 b_0 + s_1 b_1.
 */
#ifndef TT_KERN_KERN_H
#define TT_KERN_KERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/kern/w16.h"

enum kern_level { KERN_REF, KERN_AVX2, KERN_AVX512, KERN_VNNI };

/* The form of activations that a weight type multiplies with. */
enum act_form { ACT_G16, ACT_G32, ACT_F32 };
#define ACT_G16_MAX 127
#define ACT_G32_MAX 15

struct act_block {		/* 256 values of one token; a shorter last block is filled with zero codes; 64-byte aligned */
	int8_t x[256];
	/* Scales as kernels broadcast them, 32 bits at a time: s_g s_g s_(g+1) s_(g+1), which holds each twice and neighbours as a pair. */
	union {
		struct {
			int16_t s[8][4];
			float b32[8];
			int32_t nb[16];		/* -b_g: what a sum starts from in a symmetric type, times `zero` */
		} g16;
		struct {
			int16_t s[4][4], sb32[8];
			int32_t start[16];	/* Q6_K, of groups of 16: 1 - 32 b_g, the 1 to round T */
			int16_t start2[16][2];	/* -32 times the sums of codes 0 and 1, and of 2 and 3, of each four */
		} g32;
	};
	float d;
	uint8_t pad[12];
};
/* s_g of a block. */
static inline int act_s16(const struct act_block *x, size_t g)
{
	return x->g16.s[g / 2][g % 2 * 2];
}
static inline int act_s32(const struct act_block *x, size_t g)
{
	return x->g32.s[g / 2][g % 2 * 2];
}

/* Bits that a group's sum gives up to fit 16: of 16 codes (32 for Q4_K, Q5_K), |code| <= 127, |u - zero| <= 8 .. 128. */
static inline int act_shift(enum quant_type t)
{
	switch (t) {
	case QUANT_Q4_K: return 1;	/* 15 * 127 * 32 = 60,960 */
	case QUANT_Q5_K: return 2;	/* 31 * 127 * 32 = 125,984 */
	case QUANT_Q6_K: return 1;	/* 32 * 127 * 16 = 65,024 */
	case QUANT_Q5_1: return 1;	/* 31 * 127 * 16 = 62,992 */
	case QUANT_Q8_0: return 3;	/* 128 * 127 * 16 = 260,096 */
	default: return 0;		/* Q4_0 16,256; Q4_1 30,480; Q5_0 32,512 */
	}
}
static inline enum act_form act_form_of(enum quant_type t)
{
	return t == QUANT_Q4_K || t == QUANT_Q5_K || t == QUANT_Q6_K ? ACT_G32
		: t == QUANT_F32 || t == QUANT_F16 || t == QUANT_BF16 ? ACT_F32 : ACT_G16;
}
static inline size_t act_n_block(size_t n_col)
{
	return (n_col + 255) / 256;
}

/* What a matrix kernel does with row r of token t after the dot product: v += bias[r] if bias; v += y[t, r] if add. */
struct mat_out {
	float *y;		/* y[t * ld + r - row] */
	size_t ld, row;
	const float *bias;	/* [n_row] or NULL */
	bool add;
};
/* y = W x for tiles [tile, tile + n_tile) and n_tok tokens; `x` is act_block[n_tok][act_n_block(n_col)] or, for float types,
 * float[n_tok][n_col]. */
typedef void (*mat_fn)(const struct mat *w, size_t tile, size_t n_tile, const void *x, size_t n_tok, const struct mat_out *o);

/* Attention of one group of query heads that share a key/value head. Positions count from 0 of the sequence. Keys and values are codes of
 * 16 bits with a scale a position, in tiles of 32 positions of attn_tile_len units, in the order in which kernels read them:
 *	k	int16 [2][d_head / 2][16 positions][2 dimensions], then the positions' scales, float [32]
 *	v	int16 [d_head / 16][16 pairs of positions][16 dimensions][2 positions], then scales
 * Row r attends to positions [first_r, pos_r], first_r = max(0, pos_r + 1 - window) or 0 without a window; tiles of 32 ascending,
 * online softmax (Milakov & Gimelshein 2018). Products are added up in integers, so exactly, over a key's dimensions and over a tile's
 * positions (ref/attn.c has the formulas). Nothing behind pos_r influences row r. */
struct attn_row {
	const float *q;		/* [d_head], already rotated; not yet multiplied by `scale` */
	float *out;		/* [d_head]; must not overlap any row's q */
	size_t pos;
};
struct attn {
	const int16_t *k, *v;	/* 64-byte aligned */
	size_t d_head;		/* a multiple of 16, at most 256 */
	size_t window;		/* 0 = none */
	float scale;
};
/* first_r of a row at `pos`. */
static inline size_t attn_first(const struct attn *a, size_t pos)
{
	return a->window && pos + 1 > a->window ? pos + 1 - a->window : 0;
}
#define ATTN_TILE 32
/* Units (of 16 bits) of a tile of keys or values; where the scale, and where dimension i, of position `at` of the tile stands. */
static inline size_t attn_scale_at(size_t d_head, size_t at)
{
	return ATTN_TILE * d_head + at * sizeof(float) / sizeof(int16_t);
}
static inline size_t attn_tile_len(size_t d_head)
{
	return attn_scale_at(d_head, ATTN_TILE);
}
static inline size_t attn_k_at(size_t d_head, size_t at, size_t i)
{
	return at / 16 * 16 * d_head + (i / 2 * 16 + at % 16) * 2 + i % 2;
}
static inline size_t attn_v_at(size_t at, size_t i)
{
	return i / 16 * 16 * ATTN_TILE + (at / 2 * 16 + i % 16) * 2 + at % 2;
}
#define KV_GROUP 32	/* elements of a stored key or value that share a scale */
#define ATTN_ROWS 24		/* rows a call */

struct kern {
	enum kern_level level;
	const char *name;	/* "ref", "avx2", "avx512", "vnni" */
	mat_fn mat[QUANT_BF16 + 1];			/* by quant_type; NULL for unknown types */
	/* Tiles that the kernels of quantized types take through many tokens together, superblock by superblock, so that activations serve
	 * all of them from a near cache, however long they are. 1: tile by tile, and callers see to it that a cache holds the tokens. */
	size_t tiles_together;
	/* out[act_n_block(n)] of x[n]; form is ACT_G16 or ACT_G32 */
	void (*act)(const float *x, size_t n, enum act_form form, struct act_block *out);
	/* y = x / sqrt(mean(x^2) + eps) * w; y may be x; w may be NULL (= 1) */
	void (*rmsnorm)(const float *x, const float *w, float eps, size_t n, float *y);
	/* y = silu(g) * u, y = gelu_tanh(g) * u; y may be g or u */
	void (*silu_mul)(const float *g, const float *u, size_t n, float *y);
	void (*gelu_mul)(const float *g, const float *u, size_t n, float *y);
	/* y = x + y */
	void (*add)(const float *x, size_t n, float *y);
	/* Rotates n_head vectors of d_head floats at x; the first 2n of each, cos[n], sin[n]. Pairs (i, i + n), or (2i, 2i + 1) if `norm`. */
	void (*rope)(float *x, size_t n_head, size_t d_head, const float *cos, const float *sin, size_t n, bool norm);
	/* n values (a multiple of KV_GROUP) as they are stored: a group has the scale d = max|x| / 127 as f16, code = nearest(x / d) within
	 * +-127 (d rounded down may ask for 127.06), 0 for NaN or d = 0; and back, y = d * code. scale: f16[n / KV_GROUP], any alignment. */
	void (*kv_round)(const float *x, size_t n, int8_t *code, uint8_t *scale);
	void (*kv_widen)(const int8_t *code, const uint8_t *scale, size_t n, float *y);
	/* Stores one position's key [d] and value [d] into their tiles, as codes and scales. */
	void (*kv_put)(const float *k, const float *v, size_t d, size_t pos, int16_t *k_base, int16_t *v_base);
	/* n_row <= ATTN_ROWS rows of one group */
	void (*attn)(const struct attn *a, const struct attn_row *row, size_t n_row);
	/* y = exp(x - max(x)) and returns their sum (16 lanes, tree); y may be x. For samplers. */
	float (*softmax_sum)(const float *x, size_t n, float *y);
};

/* The best table that this processor runs, at most `cap` ("ref", "avx2", "avx512", "vnni"; NULL or "" = no cap). An unknown
 * name is ERR_ARG, and NULL is returned. The table is constant and shared. */
const struct kern *kern_select(const char *cap, struct err *e);
/* The level that `cap` names, the highest if it is NULL or empty; ERR_ARG. */
int kern_cap(const char *cap, struct err *e);

/* The level's own table; NULL when this processor cannot run it. (Tests.) */
const struct kern *kern_level(enum kern_level level);

#endif
