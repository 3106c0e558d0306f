/* SPDX-License-Identifier: Apache-2.0
 *
 * quant: the weight formats of GGUF taken apart, and their exact values.
 *
 * A quantized row is a sequence of blocks. `q` below are packed codes, little-endian throughout:
 *
 *	Q4_0	d:f16 q:4x32		Q4_1	d:f16 m:f16 q:4x32	byte j holds codes j (low) and j + 16 (high)
 *	Q5_0	d:f16 h:u32 q:4x32	Q5_1	d:f16 m:f16 h:u32 q	bit j of h is bit 4 of code j
 *	Q8_0	d:f16 q:i8x32
 *	Q4_K	d:f16 m:f16 s:12 q:4x256		64 codes at a time: 32 low nibbles, then the 32 high ones
 *	Q5_K	d:f16 m:f16 s:12 h:32 q:4x256		bit i of h[j] is bit 4 of code 32i + j
 *	Q6_K	q:4x256 h:2x256 s:i8x16 d:f16		128 codes at a time, in four runs of 32
 *
 * s:12 packs eight 6-bit scales and eight 6-bit minimums: the first four of each stand in the low six bits of bytes 0-3 and
 * 4-7, the last four in the nibbles of bytes 8-11 with their upper two bits on top of bytes 0-7.
 * Source: the GGUF specification and the block structs of ggml (names and layouts only).
 */
#include "lib/kern/quant.h"

#include <string.h>

static const struct quant_info INFO[] = {
	[QUANT_F32] = { "F32", 1, 4 },		[QUANT_F16] = { "F16", 1, 2 },		[QUANT_BF16] = { "BF16", 1, 2 },
	[QUANT_Q4_0] = { "Q4_0", 32, 18 },	[QUANT_Q4_1] = { "Q4_1", 32, 20 },	[QUANT_Q5_0] = { "Q5_0", 32, 22 },
	[QUANT_Q5_1] = { "Q5_1", 32, 24 },	[QUANT_Q8_0] = { "Q8_0", 32, 34 },	[QUANT_Q4_K] = { "Q4_K", 256, 144 },
	[QUANT_Q5_K] = { "Q5_K", 256, 176 },	[QUANT_Q6_K] = { "Q6_K", 256, 210 },
};

const struct quant_info *quant_info(uint32_t type)
{
	if (type >= sizeof INFO / sizeof *INFO || !INFO[type].name)
		return NULL;
	return &INFO[type];
}

int quant_zero(enum quant_type type)
{
	switch (type) {
	case QUANT_Q4_0: return 8;
	case QUANT_Q5_0: return 16;
	case QUANT_Q6_K: return 32;
	case QUANT_Q8_0: return 128;
	default: return 0;
	}
}

/* ---- half floats ---- */

static float of_bits(uint32_t u)
{
	float f;
	memcpy(&f, &u, 4);
	return f;
}

static uint32_t bits_of(float f)
{
	uint32_t u;
	memcpy(&u, &f, 4);
	return u;
}

float quant_f16(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = (h >> 10) & 31, man = h & 0x3ff;
	if (exp == 31)
		return of_bits(sign | 0x7f800000 | man << 13);
	if (exp == 0)	/* man * 2^-24, exact */
		return of_bits(sign | bits_of((float)man * 0x1p-24f));
	return of_bits(sign | (exp + 112) << 23 | man << 13);
}

uint16_t quant_to_f16(float f)
{
	uint32_t u = bits_of(f), sign = u >> 16 & 0x8000, a = u & 0x7fffffff;
	if (a > 0x7f800000)
		return (uint16_t)(sign | 0x7e00 | (a >> 13 & 0x3ff));
	if (a >= 0x477ff000)	/* 65520 and above round to infinity */
		return (uint16_t)(sign | 0x7c00);
	if (a < 0x38800000)	/* below 2^-14: adding 0.5 leaves the rounded multiple of 2^-24 in the low bits */
		return (uint16_t)(sign | (bits_of(of_bits(a) + 0.5f) - 0x3f000000));
	a += 0xfff + (a >> 13 & 1);
	return (uint16_t)(sign | (a - 0x38000000) >> 13);
}

float quant_bf16(uint16_t h)
{
	return of_bits((uint32_t)h << 16);
}

/* ---- blocks taken apart ---- */

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

/* Codes of a block of 32: low nibbles, then high ones, with bit 4 from `high`. */
static void nibbles32(const uint8_t *q, uint32_t high, uint8_t u[32])
{
	for (int j = 0; j < 16; j++) {
		u[j] = (uint8_t)((q[j] & 15) | (high >> j & 1) << 4);
		u[j + 16] = (uint8_t)(q[j] >> 4 | (high >> (j + 16) & 1) << 4);
	}
}

static void scales_k(const uint8_t s[12], struct quant_block *o)
{
	for (int j = 0; j < 4; j++) {
		o->sc[j] = s[j] & 63;
		o->mn[j] = s[j + 4] & 63;
		o->sc[j + 4] = (uint8_t)((s[j + 8] & 15) | s[j] >> 6 << 4);
		o->mn[j + 4] = (uint8_t)(s[j + 8] >> 4 | s[j + 4] >> 6 << 4);
	}
}

static void codes_k(const uint8_t *q, const uint8_t *h, uint8_t u[256])
{
	for (int i = 0; i < 256; i++) {
		int run = i / 32, j = i % 32;
		uint8_t b = q[i / 64 * 32 + j];
		u[i] = (uint8_t)((run & 1 ? b >> 4 : b & 15) | (h ? (h[j] >> run & 1) << 4 : 0));
	}
}

static void codes_q6_k(const uint8_t *q, const uint8_t *h, uint8_t u[256])
{
	for (int i = 0; i < 256; i++) {
		int half = i / 128, run = i / 32 % 4, j = i % 32;
		uint8_t b = q[half * 64 + (run & 1) * 32 + j];
		u[i] = (uint8_t)((run & 2 ? b >> 4 : b & 15) | (h[half * 32 + j] >> 2 * run & 3) << 4);
	}
}

void quant_unpack(enum quant_type type, const void *block, struct quant_block *o)
{
	const uint8_t *b = block;
	o->m = 0;
	o->d = le16(type == QUANT_Q6_K ? b + 208 : b);
	switch (type) {
	case QUANT_Q4_0:
		nibbles32(b + 2, 0, o->u);
		break;
	case QUANT_Q4_1:
		o->m = le16(b + 2);
		nibbles32(b + 4, 0, o->u);
		break;
	case QUANT_Q5_0:
		nibbles32(b + 6, le32(b + 2), o->u);
		break;
	case QUANT_Q5_1:
		o->m = le16(b + 2);
		nibbles32(b + 8, le32(b + 4), o->u);
		break;
	case QUANT_Q8_0:
		for (int j = 0; j < 32; j++)
			o->u[j] = b[2 + j] ^ 0x80;	/* q + 128 */
		break;
	case QUANT_Q4_K:
	case QUANT_Q5_K:
		o->m = le16(b + 2);
		scales_k(b + 4, o);
		codes_k(b + (type == QUANT_Q5_K ? 48 : 16), type == QUANT_Q5_K ? b + 16 : NULL, o->u);
		break;
	case QUANT_Q6_K:
		memcpy(o->sc, b + 192, 16);
		codes_q6_k(b, b + 128, o->u);
		break;
	default:
		break;
	}
}

/* ---- values ---- */

static void values(enum quant_type type, const struct quant_block *o, float *y)
{
	float d = quant_f16(o->d), m = quant_f16(o->m);
	int zero = quant_zero(type);
	switch (type) {
	case QUANT_Q4_K:
	case QUANT_Q5_K:
		for (int i = 0; i < 256; i++)
			y[i] = d * (float)o->sc[i / 32] * (float)o->u[i] - m * (float)o->mn[i / 32];
		break;
	case QUANT_Q6_K:
		for (int i = 0; i < 256; i++)
			y[i] = d * (float)(int8_t)o->sc[i / 16] * (float)(o->u[i] - zero);
		break;
	default:
		for (int i = 0; i < 32; i++)
			y[i] = d * (float)(o->u[i] - zero) + m;
		break;
	}
}

void quant_row(enum quant_type type, const void *src, size_t n, float *y)
{
	const uint8_t *s = src;
	struct quant_block o;
	switch (type) {
	case QUANT_F32:
		memcpy(y, s, n * 4);
		return;
	case QUANT_F16:
		for (size_t i = 0; i < n; i++)
			y[i] = quant_f16(le16(s + 2 * i));
		return;
	case QUANT_BF16:
		for (size_t i = 0; i < n; i++)
			y[i] = quant_bf16(le16(s + 2 * i));
		return;
	default:
		for (size_t i = 0; i < n; i += INFO[type].n_block, s += INFO[type].block_len) {
			quant_unpack(type, s, &o);
			values(type, &o, y + i);
		}
	}
}

static bool is_finite16(const uint8_t *p, unsigned exponent)
{
	return (le16(p) & exponent) != exponent;
}

bool quant_is_finite(enum quant_type type, const void *src, size_t n)
{
	const uint8_t *s = src;
	const unsigned half = 0x7c00, high = 0x7f80;	/* the exponent of an f16, and of the upper half of a float32 */
	bool has_min = type == QUANT_Q4_1 || type == QUANT_Q5_1 || type == QUANT_Q4_K || type == QUANT_Q5_K;
	for (size_t i = 0; i < n; i += INFO[type].n_block, s += INFO[type].block_len) {
		bool ok = type == QUANT_F32 ? is_finite16(s + 2, high) : type == QUANT_BF16 ? is_finite16(s, high)
			: type == QUANT_Q6_K ? is_finite16(s + 208, half) : is_finite16(s, half) && (!has_min || is_finite16(s + 2, half));
		if (!ok)
			return false;
	}
	return true;
}

/* Codes of one block for the inverse scale `inv`; returns the scale that fits them best and its gain (larger is better). */
static float fit_q4_0(const float *x, float inv, uint8_t code[32], float *gain)
{
	float xq = 0, qq = 0;
	for (int i = 0; i < 32; i++) {
		float v = x[i] * inv + 8.5f;
		int q = v < 0 ? 0 : v >= 16 ? 15 : (int)v;
		float w = x[i] * x[i], c = (float)(q - 8);
		code[i] = (uint8_t)q;
		xq += w * x[i] * c;
		qq += w * c * c;
	}
	*gain = qq > 0 ? xq * xq / qq : 0;
	return qq > 0 ? xq / qq : 0;
}

void quant_to_q4_0(const float *x, size_t n, void *dst)
{
	unsigned char *out = dst;
	for (size_t b = 0; b < n / 32; b++, x += 32, out += 18) {
		uint8_t code[32], best[32] = {0};
		float max = 0, gain, best_gain = -1, d = 0;
		for (int i = 0; i < 32; i++)
			if (x[i] * x[i] > max * max)
				max = x[i];
		for (int t = -6; t <= 6; t++) {
			float s = fit_q4_0(x, max != 0 ? (-8.0f + 0.1f * (float)t) / max : 0, code, &gain);
			if (gain > best_gain) {
				best_gain = gain;
				d = s;
				memcpy(best, code, sizeof best);
			}
		}
		uint16_t h = quant_to_f16(d);
		out[0] = (unsigned char)h;
		out[1] = (unsigned char)(h >> 8);
		for (int i = 0; i < 16; i++)
			out[2 + i] = (unsigned char)(best[i] | best[i + 16] << 4);
	}
}
