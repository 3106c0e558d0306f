/* SPDX-License-Identifier: Apache-2.0
 *
 * w16: the one weight layout that all kernels share. A matrix W[n_row, n_col] is a run of tiles of 16 rows; a tile runs along
 * k in superblocks of 256 (the last one may be shorter, in steps of 32, for the types of 32). A SIMD lane is a row, so no kernel
 * ever adds across lanes, and 4 consecutive k of a row are the 4 bytes that VPDPBUSD or VPMADDUBSW multiply at once.
 *
 * Codes are unsigned. For each 32 k, by bits of a code:
 *
 *	4	4 x 64 bytes	byte 4r + c of the i-th 64 holds row r: k = 8i + c (low nibble) and 8i + 4 + c (high nibble)
 *	5	4 x 64, 1 x 64	and bit j of byte 4r + c of the last 64 is bit 4 of k = 4j + c
 *	6	4 x 64, 2 x 64	and bits 2j, 2j + 1 of byte 4r + c of plane p are bits 4, 5 of k = 16p + 4j + c
 *	8	8 x 64		byte 4r + c of the i-th 64 is k = 4i + c
 *
 * A superblock is the codes of all its runs of 32, then its scales, by type (r = row, lanes of 16):
 *
 *	Q4_0 Q5_0 Q8_0	d f16[nb][16]					nb = runs of 32 in the superblock
 *	Q4_1 Q5_1	d f16[nb][16], m f16[nb][16]
 *	Q4_K Q5_K	sc u8[4][16][2], mn u8[4][16][2], d f16[16], m f16[16]	pairs of sub-blocks
 *	Q6_K		sc i8[8][16][2], d f16[16]				pairs of groups of 16
 *
 * and each superblock is padded to 64 bytes. F32, F16 and BF16 are [n_col][16] of their own type, padded to 64 bytes.
 * Rows beyond n_row in the last tile are zeros throughout. The values are exactly those of the GGUF.
 */
#ifndef TT_KERN_W16_H
#define TT_KERN_W16_H

#include <stddef.h>
#include <stdint.h>

#include "lib/kern/quant.h"

#define W16_ROWS 16
#define W16_SUPER 256

/* A packed matrix. Immutable; `data` is 64-byte aligned and borrowed. */
struct mat {
	enum quant_type type;
	uint32_t n_row, n_col;
	size_t tile_len;	/* bytes a tile of 16 rows, a multiple of 64 */
	const uint8_t *data;	/* [mat_n_tile][tile_len] */
};

static inline size_t mat_n_tile(const struct mat *m)
{
	return ((size_t)m->n_row + W16_ROWS - 1) / W16_ROWS;
}

/* Bits of a code in the layout: 4, 5, 6 or 8; 0 for float types. */
int w16_bits(enum quant_type type);
/* Bytes of the superblock that holds `n` columns (n <= 256; a multiple of 32 for quantized types). */
size_t w16_super_len(enum quant_type type, size_t n);
/* Bytes of a tile, or 0 when n_col doesn't suit the type (not a multiple of its block) or is 0. */
size_t w16_tile_len(enum quant_type type, size_t n_col);

/* Bytes of the codes of n columns: what stands before the scales of a superblock. */
size_t w16_codes_len(enum quant_type type, size_t n);
/* Codes of the superblock at `p`: u[n][16], row fastest. (The specification's view of the layout; SIMD kernels unpack in registers.) */
void w16_unpack(enum quant_type type, const uint8_t *p, size_t n, uint8_t (*u)[W16_ROWS]);

/* Packs rows [0, n_row), n_row <= 16, of n_col weights each, GGUF rows of `row_len` bytes at `src`, into dst[tile_len]. */
void w16_pack_tile(enum quant_type type, const void *src, size_t row_len, size_t n_row, size_t n_col, uint8_t *dst);

/* Values of one row: y[n_col], equal to quant_row of the GGUF's row. (Token embeddings.) */
void w16_row(const struct mat *m, size_t row, float *y);

#endif
