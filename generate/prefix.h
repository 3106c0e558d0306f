/* SPDX-License-Identifier: Apache-2.0
 *
 * prefix: the exact prefix store. State of blocks of tokens on disk, chained by hash, shared by all processes.
 *
 *	id_0 = H(model identity, tokens 0..31)    id_i = H(id_(i-1), tokens 32i..32i+31)	(BLAKE2b-128)
 *
 * So an id stands for the whole timeline up to its block's end, and what is loaded is what would have been computed, byte for
 * byte. A whole block has 32 tokens. Where a prompt's best source ends, and where the prompt ends, a partial block of fewer is kept
 * as well: it hangs on the chain like a whole one and nothing follows it.
 *
 *	prompt 1	[ 0..31 ][ 32..63 ][ 64..95 ][ 96..99 ]		the source ends at 70
 *					   [ 64..69 ]
 *	prompt 2	takes 0..31, 32..63, 64..69 and computes its own question only
 *
 * One file a block, <dir>/<model>/<id>.kv, written aside and renamed: a reader sees a whole block or none, two writers
 * write the same bytes, kill -9 leaves at most a temporary file, and any file may be deleted at any time. A block is believed
 * only after its checksum, its ids and its tokens have been compared; a damaged one is removed and named, and costs a
 * recomputation. Nothing is fsynced: it is a cache, and the checksum tells.
 *
 *	prefix_open(&p, dir, model_id, 2u << 30, &e);
 *	prefix_load(p, s, tok, n, &n_loaded, &e);	// then session_sync evaluates the rest
 *	... answer ...
 *	prefix_save(p, s, &what, &e);
 *	prefix_count_hits(p);
 *
 * Not thread-safe per handle; any number of processes may use one directory.
 */
#ifndef TT_GENERATE_PREFIX_H
#define TT_GENERATE_PREFIX_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"

struct prefix;
struct session;

/* A retrieved chunk whose text is in the prompt from token `from` on: its id is kept in every block it influences, so that a
 * forgotten document's state can be found and removed. */
struct prefix_origin {
	uint8_t id[HASH_ID_LEN];
	size_t from;
};
#define PREFIX_MAX_ORIGIN 64
#define PREFIX_MAX_CUT 2

/* What to keep of a session. */
struct prefix_keep {
	size_t n;			/* its first n tokens, in whole blocks */
	size_t cut[PREFIX_MAX_CUT];	/* places up to n where a partial block ends; 0 = none */
	const struct prefix_origin *origin;
	size_t n_origin;
	uint64_t ns_per_token;		/* what computing took */
};

/* Appends the store's directory to `out`: `dir`, or the user's own where that is NULL. ERR_MEM, ERR_CONF as io_dir; ERR_ARG for "". */
int prefix_dir(struct buf *out, const char *dir, struct err *e);

/* `model` identifies weights, tokenizer, arithmetic and state format. `max_bytes` bounds the whole of `dir`, 0 = no storing.
 * The directory is made when the first block is written. */
int prefix_open(struct prefix **p, const char *dir, const uint8_t model[HASH_ID_LEN], uint64_t max_bytes, struct err *e);
void prefix_close(struct prefix *p);

/* Brings as much of tok[0..n) into the session as is stored, always leaving the last token to evaluate. State the session
 * already has for a longer common prefix is kept. *n_loaded counts tokens taken from disk. Only ERR_MEM is an error. */
int prefix_load(struct prefix *p, struct session *s, const int32_t *tok, size_t n, size_t *n_loaded, struct err *e);
/* Tokens of tok[0..n) whose state is in the store, by the files' names alone. */
size_t prefix_stored(struct prefix *p, const int32_t *tok, size_t n);

/* Stores what is not stored yet, as far as there is room after making some: the bound holds while it is written (writers at the same
 * moment may exceed it by what they write; the next one mends it). 1 where that is not all. An error (a full disk) leaves a working store; the
 * caller warns and goes on. */
int prefix_save(struct prefix *p, struct session *s, const struct prefix_keep *k, struct err *e);
/* From now on prefix_save makes room of what was neither written nor used at `from` or later, and of nothing else. */
void prefix_spare(struct prefix *p, time_t from);
/* Counts the blocks that were loaded since as used. */
void prefix_count_hits(struct prefix *p);

/* Name of the first block found damaged and removed since prefix_open; NULL = none. */
const char *prefix_damaged(const struct prefix *p);

#endif
