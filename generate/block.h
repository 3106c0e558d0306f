/* SPDX-License-Identifier: Apache-2.0
 *
 * block: one file of the prefix store (prefix.h), read and written with every byte checked.
 *
 *	 0  "TTKV" | u32 version                      72  u64 payload bytes
 *	 8  id[16] | 24 parent[16]                    80  u64 cost: nanoseconds to compute the block
 *	40  u32 tokens (1 to 32) | u32 origins        88  xxh3-128 of the payload [16]
 *	48  model[16] | 64 u64 tokens before it      104  tokens (i32 each), origins (16 bytes each)
 *	 .  u64 xxh3 of all of the above, zeros to a multiple of 64
 *	 .  payload
 *	 .  u32 hits: the only bytes ever changed in place, and the only ones no checksum covers
 *
 * Files are read, not mapped: what was checked is what is used, and a file cut short while in use is an error, not a signal.
 */
#ifndef TT_GENERATE_BLOCK_H
#define TT_GENERATE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/hash.h"

#define BLOCK_VERSION 1
#define BLOCK_MAX_TOK 32
#define BLOCK_MAX_ORIGIN 64
#define BLOCK_HEAD_MAX 1344	/* 104 + 4 * BLOCK_MAX_TOK + 16 * BLOCK_MAX_ORIGIN + 8, to a multiple of 64 */

struct block {
	uint8_t id[HASH_ID_LEN], parent[HASH_ID_LEN], model[HASH_ID_LEN], sum[16];
	uint32_t n_tok, n_origin, hits;
	uint64_t cost_ns, n_before, payload_len, file_len;
	int32_t tok[BLOCK_MAX_TOK];
	uint8_t origin[BLOCK_MAX_ORIGIN][HASH_ID_LEN];
	size_t payload_at;
	int fd;
};

/* Opens a block file and checks all but its payload. ERR_NOENT if there is none; ERR_CHECKSUM, ERR_FORMAT, ERR_VERSION if it cannot
 * be believed. Call block_close after success. */
int block_open(struct block *b, const char *path, struct err *e);
void block_close(struct block *b);
/* Reads the payload into dst [payload_len] and checks it. ERR_CHECKSUM. */
int block_read(const struct block *b, void *dst, struct err *e);
/* Checks the payload, in little memory whatever length the file claims. ERR_CHECKSUM. */
int block_check(const struct block *b, struct err *e);
/* Writes a block aside and renames it. ERR_NOENT if it was removed before it had its name. `payload_at`, `sum`, `file_len`, `fd` and
 * `hits` are ignored. */
int block_write(const struct block *b, const void *payload, const char *path, struct err *e);
/* Counts a hit, best effort. */
void block_touch(const char *path);
/* How often a block was computed or taken: 1 + hits, within reason, since no checksum covers the count. */
uint64_t block_uses(const struct block *b);

/* Names in the store: <dir>/<32 hexadecimal digits>/<32 hexadecimal digits>.kv. Whatever else lies there is nobody's to remove. */
bool block_is_model_name(const char *name);
bool block_is_name(const char *name);
/* The name of a block being written, or left by a writer that was killed. */
bool block_is_aside_name(const char *name);
/* The id that a block's name begins with. */
void block_name_id(const char *name, uint8_t id[HASH_ID_LEN]);

#endif
