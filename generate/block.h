/* SPDX-License-Identifier: Apache-2.0
 *
 * block: one file of the prefix store (prefix.h), read and written with every byte checked.
 *
 *	 0  "TTKV" | u32 version                      72  u64 payload bytes
 *	 8  id[16] | 24 parent[16]                    80  u64 cost: nanoseconds to compute the block
 *	40  u32 tokens (32) | u32 origins             88  xxh3-128 of the payload [16]
 *	48  model[16] | 64 u64 reserved (0)          104  tokens (i32 each), origins (16 bytes each)
 *	 .  u64 xxh3 of all of the above, zeros to a multiple of 64
 *	 .  payload
 *	 .  u32 hits: the only bytes ever changed in place, and the only ones no checksum covers
 */
#ifndef TT_GENERATE_BLOCK_H
#define TT_GENERATE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/io.h"

#define BLOCK_VERSION 1

struct block {
	uint8_t id[HASH_ID_LEN], parent[HASH_ID_LEN], model[HASH_ID_LEN];
	uint32_t n_tok, n_origin;
	uint64_t cost_ns, payload_len;
	const void *tok;		/* n_tok little-endian i32, unaligned */
	const uint8_t *origin;		/* n_origin ids */
	const void *payload;
	uint32_t hits;
	struct map map;			/* owns the bytes the pointers above point to */
};

/* Maps and checks a block file. ERR_NOENT if there is none; ERR_CHECKSUM, ERR_FORMAT, ERR_VERSION if it cannot be believed. With
 * `deep` false the payload's checksum is not computed (listing). Call block_close after success. */
int block_open(struct block *b, const char *path, int deep, struct err *e);
void block_close(struct block *b);
/* Writes a block aside and renames it. `b->map` and `hits` are ignored. */
int block_write(const struct block *b, const char *path, struct err *e);
/* Counts a hit, best effort. */
void block_touch(const struct block *b, const char *path);

#endif
