/* SPDX-License-Identifier: Apache-2.0
 *
 * w16: packing GGUF rows into tiles of 16, and looking back into them. w16.h draws the layout.
 *
 * Packing is done once a model, and a row is looked up once a token, so clarity counts here; what is multiplied with is
 * unpacked by the kernels themselves, in registers.
 */
#include "lib/kern/w16.h"

#include <string.h>

int w16_bits(enum quant_type type)
{
	switch (type) {
	case QUANT_Q4_0: case QUANT_Q4_1: case QUANT_Q4_K: return 4;
	case QUANT_Q5_0: case QUANT_Q5_1: case QUANT_Q5_K: return 5;
	case QUANT_Q6_K: return 6;
	case QUANT_Q8_0: return 8;
	default: return 0;
	}
}

size_t w16_codes_len(enum quant_type type, size_t n)
{
	return n / 32 * 64 * (size_t)w16_bits(type);
}

static size_t pad64(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

size_t w16_super_len(enum quant_type type, size_t n)
{
	size_t scales;
	switch (type) {
	case QUANT_F32: return pad64(n * 64);
	case QUANT_F16: case QUANT_BF16: return pad64(n * 32);
	case QUANT_Q4_K: case QUANT_Q5_K: scales = 128 + 128 + 32 + 32; break;
	case QUANT_Q6_K: scales = 256 + 32; break;
	case QUANT_Q4_1: case QUANT_Q5_1: scales = n / 32 * 64; break;
	default: scales = n / 32 * 32; break;
	}
	return pad64(w16_codes_len(type, n) + scales);
}

size_t w16_tile_len(enum quant_type type, size_t n_col)
{
	const struct quant_info *q = quant_info(type);
	if (!q || !n_col || n_col % q->n_block || n_col > UINT32_MAX)
		return 0;
	if (!w16_bits(type))	/* float rows are not cut: padding would differ */
		return w16_super_len(type, n_col);
	size_t whole = n_col / W16_SUPER, rest = n_col % W16_SUPER;
	return whole * w16_super_len(type, W16_SUPER) + (rest ? w16_super_len(type, rest) : 0);
}

/* ---- packing ---- */

/* Where the low four (or all eight) bits of (row r, column k of the superblock) stand. */
static size_t low_at(int bits, size_t run_len, size_t r, size_t k)
{
	size_t run = k / 32, i = k % 32, c = i % 4;
	return run * run_len + (bits == 8 ? i / 4 : i / 8) * 64 + 4 * r + c;
}

/* The byte of bit planes that holds the upper bits of (r, k), and the shift inside it. */
static size_t high_at(int bits, size_t run_len, size_t r, size_t k, int *shift)
{
	size_t run = k / 32, i = k % 32, c = i % 4, j = i / 4;
	*shift = bits == 5 ? (int)j : (int)(2 * (j % 4));
	return run * run_len + 256 + (bits == 5 ? 0 : j / 4) * 64 + 4 * r + c;
}

static void put_code(int bits, uint8_t *p, size_t r, size_t k, uint8_t u)
{
	size_t run_len = 64 * (size_t)bits;
	uint8_t *low = p + low_at(bits, run_len, r, k);
	if (bits == 8) {
		*low = u;
		return;
	}
	*low = (uint8_t)(*low | (u & 15) << (k % 8 < 4 ? 0 : 4));
	if (bits > 4) {
		int shift;
		uint8_t *high = p + high_at(bits, run_len, r, k, &shift);
		*high = (uint8_t)(*high | u >> 4 << shift);
	}
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

/* Scales of row r: `s` is where the superblock's scales begin, `run` the block's first run of 32, n the superblock's columns. */
static void put_scales(enum quant_type type, uint8_t *s, size_t r, size_t run, size_t n, const struct quant_block *b)
{
	switch (type) {
	case QUANT_Q4_K:
	case QUANT_Q5_K:
		for (size_t j = 0; j < 8; j++) {
			s[j / 2 * 32 + 2 * r + j % 2] = b->sc[j];
			s[128 + j / 2 * 32 + 2 * r + j % 2] = b->mn[j];
		}
		put16(s + 256 + 2 * r, b->d);
		put16(s + 288 + 2 * r, b->m);
		break;
	case QUANT_Q6_K:
		for (size_t j = 0; j < 16; j++)
			s[j / 2 * 32 + 2 * r + j % 2] = b->sc[j];
		put16(s + 256 + 2 * r, b->d);
		break;
	default:
		put16(s + 32 * run + 2 * r, b->d);
		if (type == QUANT_Q4_1 || type == QUANT_Q5_1)
			put16(s + n + 32 * run + 2 * r, b->m);
	}
}

static void pack_float(enum quant_type type, const uint8_t *src, size_t row_len, size_t n_row, size_t n_col, uint8_t *dst)
{
	size_t w = type == QUANT_F32 ? 4 : 2;
	for (size_t k = 0; k < n_col; k++)
		for (size_t r = 0; r < n_row; r++)
			memcpy(dst + (k * W16_ROWS + r) * w, src + r * row_len + k * w, w);
}

void w16_pack_tile(enum quant_type type, const void *src, size_t row_len, size_t n_row, size_t n_col, uint8_t *dst)
{
	const struct quant_info *q = quant_info(type);
	int bits = w16_bits(type);
	memset(dst, 0, w16_tile_len(type, n_col));
	if (!bits) {
		pack_float(type, src, row_len, n_row, n_col, dst);
		return;
	}
	for (size_t k0 = 0; k0 < n_col; k0 += W16_SUPER) {
		size_t n = n_col - k0 < W16_SUPER ? n_col - k0 : W16_SUPER;
		uint8_t *scales = dst + w16_codes_len(type, n);
		for (size_t r = 0; r < n_row; r++) {
			const uint8_t *row = (const uint8_t *)src + r * row_len;
			for (size_t k = 0; k < n; k += q->n_block) {
				struct quant_block b;
				quant_unpack(type, row + (k0 + k) / q->n_block * q->block_len, &b);
				for (size_t i = 0; i < q->n_block; i++)
					put_code(bits, dst, r, k + i, b.u[i]);
				put_scales(type, scales, r, k / 32, n, &b);
			}
		}
		dst += w16_super_len(type, n);
	}
}

/* ---- looking back ---- */

static uint8_t get_code(int bits, const uint8_t *p, size_t r, size_t k)
{
	size_t run_len = 64 * (size_t)bits;
	uint8_t low = p[low_at(bits, run_len, r, k)];
	if (bits == 8)
		return low;
	low = (uint8_t)(low >> (k % 8 < 4 ? 0 : 4) & 15);
	if (bits == 4)
		return low;
	int shift;
	uint8_t high = p[high_at(bits, run_len, r, k, &shift)];
	return (uint8_t)(low | (high >> shift & (bits == 5 ? 1 : 3)) << 4);
}

void w16_unpack(enum quant_type type, const uint8_t *p, size_t n, uint8_t (*u)[W16_ROWS])
{
	int bits = w16_bits(type);
	for (size_t k = 0; k < n; k++)
		for (size_t r = 0; r < W16_ROWS; r++)
			u[k][r] = get_code(bits, p, r, k);
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

/* Values of row r of one superblock of n columns. */
static void super_row(enum quant_type type, const uint8_t *p, size_t n, size_t r, float *y)
{
	const uint8_t *s = p + w16_codes_len(type, n);
	int bits = w16_bits(type), zero = quant_zero(type);
	float d = quant_f16(get16(s + 256 + 2 * r)), m = quant_f16(get16(s + 288 + 2 * r));
	for (size_t k = 0; k < n; k++) {
		float u = (float)(get_code(bits, p, r, k) - zero);
		size_t run = k / 32;
		if (bits == 6)
			y[k] = d * (float)(int8_t)s[run * 32 + 2 * r + k / 16 % 2] * u;
		else	/* Q4_K, Q5_K */
			y[k] = d * (float)s[run / 2 * 32 + 2 * r + run % 2] * u - m * (float)s[128 + run / 2 * 32 + 2 * r + run % 2];
	}
}

static void super_row_f(enum quant_type type, const uint8_t *p, size_t n, size_t r, float *y)
{
	const uint8_t *s = p + w16_codes_len(type, n);
	int bits = w16_bits(type), zero = quant_zero(type);
	bool has_min = type == QUANT_Q4_1 || type == QUANT_Q5_1;
	for (size_t k = 0; k < n; k++) {
		size_t run = k / 32;
		float d = quant_f16(get16(s + 32 * run + 2 * r));
		float m = has_min ? quant_f16(get16(s + n + 32 * run + 2 * r)) : 0;
		y[k] = d * (float)(get_code(bits, p, r, k) - zero) + m;
	}
}

static void float_row(const struct mat *w, const uint8_t *p, size_t r, float *y)
{
	for (size_t k = 0; k < w->n_col; k++) {
		const uint8_t *q = p + (k * W16_ROWS + r) * (w->type == QUANT_F32 ? 4 : 2);
		if (w->type == QUANT_F32)
			memcpy(&y[k], q, 4);
		else
			y[k] = w->type == QUANT_F16 ? quant_f16(get16(q)) : quant_bf16(get16(q));
	}
}

void w16_row(const struct mat *w, size_t row, float *y)
{
	const uint8_t *p = w->data + row / W16_ROWS * w->tile_len;
	size_t r = row % W16_ROWS;
	bool is_k = w->type == QUANT_Q4_K || w->type == QUANT_Q5_K || w->type == QUANT_Q6_K;
	if (!w16_bits(w->type)) {
		float_row(w, p, r, y);
		return;
	}
	for (size_t k = 0; k < w->n_col; k += W16_SUPER) {
		size_t n = w->n_col - k < W16_SUPER ? w->n_col - k : W16_SUPER;
		(is_k ? super_row : super_row_f)(w->type, p, n, r, y + k);
		p += w16_super_len(w->type, n);
	}
}
