/* SPDX-License-Identifier: Apache-2.0
 *
 * hash: two kinds with two jobs. XXH3 (xxHash) sees change and accident: change detection, checksums. BLAKE2b
 * (libsodium) decides identity: ids of documents and chunks, cache keys, models; nobody can aim at one of its values.
 */
#ifndef TT_BASE_HASH_H
#define TT_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define HASH_ID_LEN 16		/* bytes of an identity: BLAKE2b-128 */

uint64_t hash_xxh64(const void *p, size_t n);			/* XXH3, 64 bits */
void hash_xxh128(const void *p, size_t n, uint8_t out[16]);	/* XXH3, 128 bits, canonical (big-endian) bytes */

/* XXH3-128 of bytes that come in pieces. hash_stream_new returns NULL when memory is out. */
struct hash_stream;
struct hash_stream *hash_stream_new(void);
void hash_stream_reset(struct hash_stream *s);
void hash_stream_add(struct hash_stream *s, const void *p, size_t n);
void hash_stream_get(const struct hash_stream *s, uint8_t out[16]);	/* the hash so far; more may be added */
void hash_stream_free(struct hash_stream *s);

/* BLAKE2b-128 of p[0..n). */
void hash_id(const void *p, size_t n, uint8_t out[HASH_ID_LEN]);

/* BLAKE2b-128 over parts, each preceded by its length, so that ("ab","c") and ("a","bc") differ. */
struct hash_part { const void *p; size_t n; };
void hash_id_parts(const struct hash_part *part, size_t n_part, uint8_t out[HASH_ID_LEN]);

/* Lower-case hexadecimal, NUL-terminated: out[2n + 1]. */
void hash_hex(const uint8_t *p, size_t n, char *out);

/* The n bytes that 2n lower-case digits at `hex` stand for; false at the first character that is none, behind which nothing is read. */
bool hash_unhex(const char *hex, size_t n, uint8_t *out);

#endif
