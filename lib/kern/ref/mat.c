/* SPDX-License-Identifier: Apache-2.0
 *
 * mat, ref: matrix times activations, by the formulas at the head of kern.h. One tile of 16 rows at a time: a superblock's codes are
 * taken apart once, and then multiplied with every token.
 */
#include "lib/kern/ref/ref.h"

static void finish(const struct mat *w, size_t tile, size_t tok, const float acc[16], const struct mat_out *o)
{
	size_t row = tile * W16_ROWS, n = w->n_row - row < W16_ROWS ? w->n_row - row : W16_ROWS;
	float *y = o->y + tok * o->ld + row - o->row;
	for (size_t r = 0; r < n; r++) {
		float v = acc[r];
		if (o->bias)
			v += o->bias[row + r];
		y[r] = o->add ? v + y[r] : v;
	}
}

static float f16_at(const uint8_t *p, size_t i)
{
	uint16_t h;
	memcpy(&h, p + 2 * i, 2);
	return quant_f16(h);
}

/* T of a group: the exact sum of (u - zero) * code over n k from k0 on, rounded to 16 bits. */
static int32_t sum16(const struct mat *w, const uint8_t (*u)[W16_ROWS], const struct act_block *x, size_t k0, size_t n, size_t r)
{
	int32_t s = 0, zero = quant_zero(w->type);
	int h = act_shift(w->type);
	for (size_t k = k0; k < k0 + n; k++)
		s += (u[k][r] - zero) * x->x[k];
	return (s + (h ? 1 << (h - 1) : 0)) >> h;
}

/* One superblock of n columns of an F type. */
static void super_f(const struct mat *w, const uint8_t (*u)[W16_ROWS], const uint8_t *sc, size_t n, const struct act_block *x, float acc[16])
{
	bool has_min = w->type == QUANT_Q4_1 || w->type == QUANT_Q5_1;
	float scale = (float)(1 << act_shift(w->type));
	for (size_t r = 0; r < W16_ROWS; r++) {
		float f = 0;
		for (size_t j = 0; j < n / 32; j++) {
			int32_t t0 = sum16(w, u, x, 32 * j, 16, r), t1 = sum16(w, u, x, 32 * j + 16, 16, r);
			f = fmaf(scale * f16_at(sc, 16 * j + r), (float)(t0 * act_s16(x, 2 * j) + t1 * act_s16(x, 2 * j + 1)), f);
			if (has_min)
				f = fmaf(f16_at(sc + n, 16 * j + r), x->g16.b32[j], f);
		}
		acc[r] = fmaf(x->d, f, acc[r]);
	}
}

static void super_k(const struct mat *w, const uint8_t (*u)[W16_ROWS], const uint8_t *sc, const struct act_block *x, float acc[16])
{
	float scale = (float)(1 << act_shift(w->type));
	for (size_t r = 0; r < W16_ROWS; r++) {
		int32_t sum = 0, min = 0;
		for (size_t j = 0; j < 8; j++) {
			size_t at = j / 2 * 32 + 2 * r + j % 2;
			sum += act_s32(x, j) * sc[at] * sum16(w, u, x, 32 * j, 32, r);
			min += x->g32.sb32[j] * sc[128 + at];
		}
		float f = fmaf(scale * f16_at(sc + 256, r), (float)sum, -(2 * f16_at(sc + 288, r) * (float)min));
		acc[r] = fmaf(x->d, f, acc[r]);
	}
}

static void super_q6_k(const struct mat *w, const uint8_t (*u)[W16_ROWS], const uint8_t *sc, const struct act_block *x, float acc[16])
{
	float scale = (float)(1 << act_shift(w->type));
	for (size_t r = 0; r < W16_ROWS; r++) {
		int32_t sum = 0;	/* at most 16 * 128 * 15 * 32,512 < 2^30 */
		for (size_t j = 0; j < 16; j++)
			sum += act_s32(x, j / 2) * (int8_t)sc[j / 2 * 32 + 2 * r + j % 2] * sum16(w, u, x, 16 * j, 16, r);
		acc[r] = fmaf(x->d, scale * f16_at(sc + 256, r) * (float)sum, acc[r]);
	}
}

#define TOKS 64		/* tokens whose sums are kept while a superblock is apart */

static void tile_quant(const struct mat *w, size_t tile, const struct act_block *x, size_t tok, size_t n_tok, const struct mat_out *o)
{
	size_t n_block = act_n_block(w->n_col);
	const uint8_t *p = w->data + tile * w->tile_len;
	float acc[TOKS][16] = { 0 };
	uint8_t u[W16_SUPER][W16_ROWS];
	for (size_t b = 0; b < n_block; b++) {
		size_t n = w->n_col - b * W16_SUPER < W16_SUPER ? w->n_col - b * W16_SUPER : W16_SUPER;
		const uint8_t *sc = p + w16_codes_len(w->type, n);
		w16_unpack(w->type, p, n, u);
		for (size_t t = 0; t < n_tok; t++) {
			const struct act_block *xb = x + (tok + t) * n_block + b;
			if (w->type == QUANT_Q6_K)
				super_q6_k(w, u, sc, xb, acc[t]);
			else if (w->type == QUANT_Q4_K || w->type == QUANT_Q5_K)
				super_k(w, u, sc, xb, acc[t]);
			else
				super_f(w, u, sc, n, xb, acc[t]);
		}
		p += w16_super_len(w->type, n);
	}
	for (size_t t = 0; t < n_tok; t++)
		finish(w, tile, tok + t, acc[t], o);
}

void mat_quant_ref(const struct mat *w, size_t tile, size_t n_tile, const void *x, size_t n_tok, const struct mat_out *o)
{
	for (size_t i = tile; i < tile + n_tile; i++)
		for (size_t t = 0; t < n_tok; t += TOKS)
			tile_quant(w, i, x, t, n_tok - t < TOKS ? n_tok - t : TOKS, o);
}

static float weight_at(enum quant_type type, const uint8_t *p, size_t i)
{
	if (type == QUANT_F32) {
		float f;
		memcpy(&f, p + 4 * i, 4);
		return f;
	}
	uint16_t h;
	memcpy(&h, p + 2 * i, 2);
	return type == QUANT_F16 ? quant_f16(h) : quant_bf16(h);
}

void mat_float_ref(const struct mat *w, size_t tile, size_t n_tile, const void *x, size_t n_tok, const struct mat_out *o)
{
	for (size_t i = tile; i < tile + n_tile; i++)
		for (size_t t = 0; t < n_tok; t++) {
			const float *xt = (const float *)x + t * w->n_col;
			float acc[16] = { 0 };
			for (size_t k = 0; k < w->n_col; k++)
				for (size_t r = 0; r < W16_ROWS; r++)
					acc[r] = fmaf(weight_at(w->type, w->data + i * w->tile_len, 16 * k + r), xt[k], acc[r]);
			finish(w, i, t, acc, o);
		}
}
