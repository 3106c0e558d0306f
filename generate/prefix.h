/* SPDX-License-Identifier: Apache-2.0
 *
 * prefix: the exact prefix store. State of 32-token blocks on disk, chained by hash, shared by all processes.
 *
 *	id_0 = H(model identity, format, tokens 0..31)    id_i = H(id_(i-1), tokens 32i..32i+31)	(BLAKE2b-128)
 *
 * So an id stands for the whole timeline up to its block's end, and what is loaded is what would have been computed, byte for
 * byte. One file a block, <dir>/<model>/<id>.kv, written aside and renamed: a reader sees a whole block or none, two writers
 * write the same bytes, kill -9 leaves at most a temporary file, and any file may be deleted at any time. A block is believed
 * only after its checksum, its ids and its tokens have been compared; a damaged one is removed and counted, and costs a
 * recomputation. Nothing is fsynced: it is a cache, and the checksum tells.
 *
 *	prefix_open(&p, dir, model_id, 2u << 30, &e);
 *	prefix_load(p, s, tok, n, &n_loaded, &e);	// then session_sync evaluates the rest
 *	... answer ...
 *	prefix_save(p, s, n, origin, n_origin, ns_per_token, &e);
 *
 * Not thread-safe per handle; any number of processes may use one directory.
 */
#ifndef TT_GENERATE_PREFIX_H
#define TT_GENERATE_PREFIX_H

#include <stddef.h>
#include <stdint.h>

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

/* `model` identifies weights, tokenizer, arithmetic and state format. `max_bytes` bounds the whole of `dir`, 0 = no storing.
 * The directory is made when the first block is written. */
int prefix_open(struct prefix **p, const char *dir, const uint8_t model[HASH_ID_LEN], uint64_t max_bytes, struct err *e);
void prefix_close(struct prefix *p);

/* Brings as much of tok[0..n) into the session as is stored, always leaving the last token to evaluate. State the session
 * already has for a longer common prefix is kept. *n_loaded counts tokens taken from disk. Only ERR_MEM is an error. */
int prefix_load(struct prefix *p, struct session *s, const int32_t *tok, size_t n, size_t *n_loaded, struct err *e);

/* Stores the whole blocks of the session's first n tokens that are not stored yet, then evicts down to the bound. An error
 * (a full disk) leaves a working store; the caller warns and goes on. */
int prefix_save(struct prefix *p, struct session *s, size_t n, const struct prefix_origin *origin, size_t n_origin,
		uint64_t ns_per_token, struct err *e);

/* Removes the blocks of least worth, of whatever model, until `dir` holds at most max_bytes. */
void prefix_evict(const char *dir, uint64_t max_bytes);

/* Blocks found damaged and removed since prefix_open. */
size_t prefix_damaged(const struct prefix *p);

#endif
