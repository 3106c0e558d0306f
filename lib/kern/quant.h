/* SPDX-License-Identifier: Apache-2.0
 *
 * quant: the weight formats of GGUF: names, block sizes, and their exact values as float32. Names and layouts are those of
 * the GGUF specification (ggml), so that a reader can compare.
 */
#ifndef TT_KERN_QUANT_H
#define TT_KERN_QUANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values are the numbers in the file. */
enum quant_type {
	QUANT_F32 = 0, QUANT_F16 = 1, QUANT_Q4_0 = 2, QUANT_Q4_1 = 3, QUANT_Q5_0 = 6, QUANT_Q5_1 = 7, QUANT_Q8_0 = 8,
	QUANT_Q4_K = 12, QUANT_Q5_K = 13, QUANT_Q6_K = 14, QUANT_BF16 = 30,
};
struct quant_info {
	const char *name;	/* "Q4_K" */
	uint32_t n_block;	/* weights a block */
	uint32_t block_len;	/* bytes a block */
};
/* One block taken apart: what the packer re-arranges and quant_row multiplies out. A weight k of the block is
 *	symmetric and F types	f16(d) * (u[k] - zero) + f16(m)
 *	Q4_K, Q5_K		f16(d) * sc[k / 32] * u[k] - f16(m) * mn[k / 32]
 *	Q6_K			f16(d) * (int8_t)sc[k / 16] * (u[k] - 32)		*/
struct quant_block {
	uint8_t u[256];		/* unsigned codes, n_block of them */
	uint16_t d, m;		/* f16 bits; m = 0 where the type has no minimum */
	uint8_t sc[16], mn[8];	/* K types only */
};
/* Takes one block of a quantized type (not F32, F16, BF16) apart. */
void quant_unpack(enum quant_type type, const void *block, struct quant_block *out);
/* The code that stands for 0 in a symmetric type: 8, 16, 32 or 128; 0 for types with a minimum. */
int quant_zero(enum quant_type type);

/* NULL for a type that is not supported. */
const struct quant_info *quant_info(uint32_t type);
/* Values of n weights (a multiple of n_block) at `src`, unaligned, as float32: y[n]. */
void quant_row(enum quant_type type, const void *src, size_t n, float *y);

/* True if none of these weights is infinite or no number. */
bool quant_is_finite(enum quant_type type, const void *src, size_t n);

/* Rounds x[n], n a multiple of 32, to Q4_0 blocks at dst[n / 32 * 18]: the scale of each block is the one among a few near
 * -max / 8 that leaves the smallest squared error, large weights counting more (compact drafts; not a GGUF quantizer). */
void quant_to_q4_0(const float *x, size_t n, void *dst);

float quant_f16(uint16_t h);		/* IEEE half to float, exact */
uint16_t quant_to_f16(float f);		/* nearest, ties to even */
float quant_bf16(uint16_t h);

#endif
