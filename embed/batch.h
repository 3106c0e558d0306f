/* SPDX-License-Identifier: Apache-2.0
 *
 * batch: records on their way through tt-embed. Those with a text wait until their batch is full or the input pauses; the others wait in
 * line with them, so that the order of records never changes. Records are kept as the bytes they came as, and written from these.
 */
#ifndef TT_EMBED_BATCH_H
#define TT_EMBED_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "embed/forward.h"
#include "lib/base/rec.h"

struct batch;

struct batch_options {
	enum rec_dtype dtype;		/* REC_I8, REC_F16 or REC_F32 */
	bool is_strict;			/* a text that is too long is an error, not cut */
	void (*warn)(const char *msg);	/* a text was cut, a record too large, a pack damaged (NULL: silence) */
};
struct batch_stats {
	uint64_t n_chunk;			/* vectors given */
	uint64_t n_bad;				/* records that an `error` took the place of */
	uint64_t n_text, n_tok;			/* texts that were read for them, with titles, each once; their tokens */
};

/* Borrows everything. */
int batch_open(struct batch **b, struct forward *f, struct bert *model, struct rec_writer *out, const struct batch_options *o,
	struct err *e);
void batch_close(struct batch *b);

/* Takes a record. Chunks and queries (and, if `as_query`, records without a kind that have a text) get a vector, unless `has_vec` says
 * that theirs is of this very model. ERR_LIMIT (strict) and ERR_FORMAT (no text, an id that is no string) concern this record alone: nothing
 * was taken. */
int batch_add(struct batch *b, const struct rec *r, bool has_vec, bool as_query, struct err *e);
/* Takes a line of text as the query called `id`. */
int batch_add_line(struct batch *b, const char *id, const char *s, size_t n, struct err *e);
/* Writes an `error` where `r` (NULL: a line) would have been, and counts it. `why` may be `e`. */
int batch_refuse(struct batch *b, const struct rec *r, const struct err *why, struct err *e);
/* Computes and writes all that waits; a record that its vector makes too large is refused. ERR_IO and ERR_MEM only. */
int batch_flush(struct batch *b, struct err *e);
/* True if there is something that batch_flush would write. */
bool batch_waits(const struct batch *b);
struct batch_stats batch_stats(const struct batch *b);

#endif
