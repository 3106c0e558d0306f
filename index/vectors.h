/* SPDX-License-Identifier: Apache-2.0
 *
 * vectors: the embeddings of some chunks of one segment, as 8-bit integers and a scale each, in a file of their own,
 * NNNNNNNNNNNNNNNN.vec. So the lexical side is complete without them, and they may come later, in several layers: a segment
 * has any number of such files, and a chunk that none of them names has no vector yet.
 *
 *	META   u64 segment, u32 n_row, u32 dim, u32 n_chunk, u32 0
 *	ROWS   [n_row] u32 chunk numbers, ascending
 *	SCALES [n_row] f32
 *	CODES  [n_row, stride] i8; stride = dim rounded up to 64, zeros between
 *
 * A component is code * scale; the vectors are of length 1, so the dot product of two is their cosine.
 */
#ifndef TT_INDEX_VECTORS_H
#define TT_INDEX_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/section.h"
#include "lib/base/rec.h"
#include "lib/kern/scan.h"

#define VECTORS_KIND 2u
#define VECTORS_MAX_DIM 4096

static inline size_t vectors_stride(size_t dim)
{
	return (dim + SCAN_ALIGN - 1) / SCAN_ALIGN * SCAN_ALIGN;
}

/* The vector that a record brings (records.5: `vec`, and `vec_scale` if it is codes), as it is kept: code[VECTORS_MAX_DIM], zeros behind
 * *dim of them. *dim is 0 if it brings none. ERR_FORMAT if it can't be used. */
int vectors_of_record(const struct rec *r, int8_t *code, size_t *dim, float *scale, struct err *e);

/* ---- building ---- */

struct vectors_builder {
	struct buf rows, scales, codes;
	size_t dim, n_row;	/* set dim before the first row */
};
/* Adds chunk's code[dim]; chunks must ascend. ERR_MEM, or ERR_BUG when they do not. */
int vectors_put(struct vectors_builder *v, uint32_t chunk, const int8_t *code, float scale, struct err *e);
int vectors_write(struct vectors_builder *v, const char *path, uint64_t number, uint64_t segment, uint32_t n_chunk,
	uint64_t *pin, uint64_t *len, struct err *e);
void vectors_release(struct vectors_builder *v);

/* ---- reading ---- */

struct vectors {
	struct section_file file;
	uint64_t segment;
	uint32_t n_row, n_chunk;
	size_t dim, stride;
	const uint32_t *row;	/* [n_row], unchecked until vectors_check */
	const float *scale;	/* [n_row] */
	const int8_t *code;	/* [n_row, stride] */
	bool checked;
};
/* As segment_open; the sections themselves are checked below. */
int vectors_open(struct vectors *v, const char *path, struct err *e);
void vectors_close(struct vectors *v);
/* Makes row, scale and code safe to use, once: checksums, and row numbers ascending below n_chunk. */
int vectors_check(struct vectors *v, struct err *e);
/* Only row, which is a hundredth of it. */
int vectors_check_rows(struct vectors *v, struct err *e);

#endif
