/* SPDX-License-Identifier: Apache-2.0
 *
 * postings: where a term occurs and how often, in ascending order, a byte or two an entry.
 *
 *	entry = varint(delta << 1 | plain)  [varint(tf)  varint(tf_head)]	the counts only when not plain
 *
 * delta counts from the number before (the first from -1, so it is at least 1); plain stands for tf 1, tf_head 0, which most
 * entries are. Varints are little-endian groups of 7 bits, at most 5 bytes.
 */
#ifndef TT_INDEX_POSTINGS_H
#define TT_INDEX_POSTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

struct posting {
	uint32_t id;		/* chunk or document number within the segment */
	uint32_t tf;		/* occurrences in the text */
	uint32_t tf_head;	/* occurrences in the heading path */
};

/* Appends `v`; see buf.h for failure. */
int varint_put(struct buf *b, uint64_t v);
/* Reads one from *p, not past `end`; false when it is cut off or longer than 63 bits. */
bool varint_get(const unsigned char **p, const unsigned char *end, uint64_t *v);

/* Appends an entry; `prev` is the id before it, or -1. */
int postings_put(struct buf *b, int64_t prev, const struct posting *it);

struct postings {
	const unsigned char *p, *end;
	int64_t prev;
	uint32_t n;		/* ids lie below this */
	bool bad;		/* the list contradicts itself; what came before may have been used */
};
struct postings postings_of(const void *p, size_t len, uint32_t n);
/* False at the end, or when the list is bad. */
bool postings_next(struct postings *s, struct posting *it);

#endif
